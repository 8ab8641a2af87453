// The npm package ocpp-rpc as stations and central systems, driven by JSON lines.
//
// Commands, results and events are those of peer_pypi.py.

import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { RPCClient, RPCServer, RPCGenericError, createValidator } = require("ocpp-rpc");

// Version 2.2.1 looks for the schemas of OCPP 2.1 under other names than it gives them, so that its strict mode would
// refuse every message: the same schemas, renamed.
const renamed = require("ocpp-rpc/lib/schemas/ocpp2_1.json").map((schema) => ({
  ...schema,
  $id: schema.$id.replace(/Request$/, ".req").replace(/Response$/, ".conf"),
}));
const strictModeValidators = [createValidator("ocpp2.1", renamed)];

const peers = new Map(); // identity -> RPCClient or RPCServerClient
const servers = new Map();

const say = (message) => process.stdout.write(JSON.stringify(message) + "\n");

function makeError({ code, description, details }) {
  const error = new RPCGenericError(description);
  error.rpcErrorCode = code;
  error.details = details;
  return error;
}

function prepare(identity, peer, handlers) {
  peers.set(identity, peer);
  for (const [action, answer] of Object.entries(handlers)) {
    peer.handle(action, ({ params }) => {
      say({ event: "handled", identity, action, payload: params });
      if (answer.error) throw makeError(answer.error);
      return answer.result ?? new Promise(() => {}); // without a result it never answers
    });
  }
  peer.on("close", ({ code, reason }) => say({ event: "closed", identity, code, reason }));
}

function opened(identity, peer) {
  say({ event: "opened", identity, protocol: peer.protocol, compressed: isCompressed(peer) });
}

const isCompressed = (peer) => peer._ws.extensions.includes("permessage-deflate");

const commands = {
  async listen({ name, protocols, password, handlers, port = 0, strict = true, compression = false }) {
    const server = new RPCServer({
      protocols,
      strictMode: strict,
      strictModeValidators,
      wssOptions: { perMessageDeflate: compression },
    });
    if (password !== null) {
      server.auth((accept, reject, handshake) => {
        if (handshake.password?.toString() === password) accept();
        else reject(401, "Unauthorized");
      });
    }
    server.on("client", (client) => {
      prepare(client.identity, client, handlers);
      opened(client.identity, client);
    });
    const listener = await server.listen(port, "127.0.0.1");
    servers.set(name, server);
    return { port: listener.address().port };
  },

  async stop({ name }) {
    await servers.get(name).close({});
    servers.delete(name);
  },

  async connect({ identity, endpoint, protocols, password, handlers, strict = true, compression = false }) {
    const client = new RPCClient({
      identity,
      endpoint,
      protocols,
      password,
      reconnect: false,
      strictMode: strict,
      strictModeValidators,
      callTimeoutMs: 10000,
      wsOpts: { perMessageDeflate: compression },
    });
    prepare(identity, client, handlers); // before it can be called
    await client.connect();
    opened(identity, client);
    return { protocol: client.protocol, compressed: isCompressed(client) };
  },

  call({ identity, action, payload }) {
    return peers.get(identity).call(action, payload);
  },

  async close({ identity, code, reason }) {
    await peers.get(identity).close({ code, reason });
  },

  async drop({ identity }) {
    await peers.get(identity).close({ force: true });
  },
};

function describe(error) {
  if (error.response) {
    return { status: error.response.statusCode, challenge: error.response.headers["www-authenticate"] ?? null };
  }
  if (error.rpcErrorCode) {
    return { code: error.rpcErrorCode, description: error.message, details: error.details };
  }
  return { message: String(error) };
}

async function perform({ id, do: name, ...options }) {
  try {
    say({ id, result: (await commands[name](options)) ?? null });
  } catch (error) {
    say({ id, error: describe(error) });
  }
}

createInterface({ input: process.stdin })
  .on("line", (line) => perform(JSON.parse(line)))
  .on("close", () => process.exit(0));
say({ event: "ready" });
