// The server made of the npm package ocpp-rpc in strict mode, which checks requests and answers by their schemas.
// The package is the one that the interoperability tests install.
//
//     node benchmarks/servers/npm.mjs

import { createRequire } from "node:module";

const require = createRequire(new URL("../../tests/interop/package.json", import.meta.url));
const { RPCServer } = require("ocpp-rpc");

const now = "2026-03-01T12:00:00.000Z";
const server = new RPCServer({ protocols: ["ocpp1.6"], strictMode: true });

server.on("client", (client) => {
  client.handle("BootNotification", () => ({ currentTime: now, interval: 300, status: "Accepted" }));
  client.handle("Heartbeat", () => ({ currentTime: now }));
  client.handle("MeterValues", () => ({}));
});

const listener = await server.listen(0, "127.0.0.1");
process.stdin.on("end", () => process.exit(0)).resume();
console.log(listener.address().port);
