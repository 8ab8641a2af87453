// The server made of the npm package ocpp-rpc in strict mode, which checks requests and answers by their schemas.
// The package is the one that the interoperability tests install.
//
//     node benchmarks/servers/npm.mjs [--compression] [--password TEXT]

import { timingSafeEqual } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../tests/interop/package.json", import.meta.url));
const { RPCServer } = require("ocpp-rpc");

const options = process.argv.slice(2);
const now = "2026-03-01T12:00:00.000Z";
const server = new RPCServer({
  protocols: ["ocpp1.6", "ocpp2.0.1"],
  strictMode: true,
  wssOptions: { perMessageDeflate: options.includes("--compression") },
});

if (options.includes("--password")) {
  const password = Buffer.from(options[options.indexOf("--password") + 1]);
  server.auth((accept, reject, handshake) => {
    if (handshake.password?.length === password.length && timingSafeEqual(handshake.password, password)) accept();
    else reject(401, "Unauthorized");
  });
}

server.on("client", (client) => {
  client.handle("BootNotification", () => ({ currentTime: now, interval: 300, status: "Accepted" }));
  client.handle("Heartbeat", () => ({ currentTime: now }));
  client.handle("MeterValues", () => ({}));
  client.handle("TransactionEvent", () => ({}));
  client.handle("DataTransfer", ({ params }) => ({ status: "Accepted", data: params.data }));
});

// Its own listen() does this without a backlog, which is 511 then; the other servers have this one, too.
const listener = createServer({ noDelay: true }).on("upgrade", server.handleUpgrade);
listener.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => console.log(listener.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
