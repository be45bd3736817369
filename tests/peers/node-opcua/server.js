// An OPC UA server on node-opcua, whose values tell when they were held.
//
//   node server.js [--port 0] [--variables 100] [--interval-ms 100] [--pki DIR]
//                  [--types Int32,Double,...] [--user NAME:PASSWORD] [--anonymous no]
//                  [--max-read N] [--max-monitored N] [--max-browse N] [--max-history N]
//                  [--max-sessions N] [--max-subscriptions N] [--max-items N]
//                  [--policies None,Basic256Sha256,Aes128_Sha256_RsaOaep,Aes256_Sha256_RsaPss]
//                  [--modes None,Sign,SignAndEncrypt] [--suspicious yes]
//                  [--user-certificate FILE.der] [--history N] [--log FILE] [--alarms yes]
//
// Namespace urn:chulian:peer:node-opcua. Nodes, by string identifier:
//   Generation     UInt32, counts the changes since the start
//   V0, V1, ...    of the types in turn (all below); they change at once, with the generation's own time
//   Still.<type>   one of every scalar type, never changing
//   Status.<name>  an Int32 with that status code;  Array  an Int32 array
// With generation g, variable n holds h = (g + n) mod 120: as a number of its type, as h odd for
// Boolean, as "h" for String, as h / 4 for Float and Double.
// With --history N each V<n> and Generation keep N values in node-opcua's own historian. They change
// while the server is away too; what they held then is in the history after its start.
// With --log every change is appended to a file, "<generation> <time in ms>" a line, before anybody
// can see it; a process started on a file that is there goes on with its last generation, and has
// what the file says in its history.
// Prints "READY <port>" once it listens; ends when its input closes. Lines it understands:
//   restart SECONDS   shut down, stay away so long, start anew on the same port: READY again
//   level NUMBER      with --alarms yes: the tank of alarms.js is so full: LEVEL <number>
//   trust             trust every client certificate refused so far (--suspicious yes): TRUSTED <n>

"use strict";

const fs = require("node:fs");
const path = require("node:path");
const readline = require("node:readline");
const { setTimeout: delay } = require("node:timers/promises");
const { parseArgs } = require("node:util");
const { OPCUACertificateManager } = require("node-opcua-certificate-manager");
const { OPCUAServer } = require("node-opcua-server");
const { StatusCodes } = require("node-opcua-status-code");
const { DataType, VariantArrayType } = require("node-opcua-variant");
const { addTank } = require("./alarms");

const { values: args } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    variables: { type: "string", default: "100" },
    "interval-ms": { type: "string", default: "100" },
    types: { type: "string" },
    pki: { type: "string", default: "pki" },
    user: { type: "string" },
    anonymous: { type: "string", default: "yes" },
    "max-read": { type: "string", default: "0" },
    "max-monitored": { type: "string", default: "0" },
    "max-browse": { type: "string", default: "0" },
    "max-history": { type: "string", default: "0" },
    "max-sessions": { type: "string", default: "50" },
    "max-subscriptions": { type: "string", default: "50" },
    "max-items": { type: "string", default: "100000" },
    policies: { type: "string" },
    modes: { type: "string" },
    suspicious: { type: "string", default: "no" },
    "user-certificate": { type: "string" },
    history: { type: "string", default: "0" },
    alarms: { type: "string", default: "no" },
    log: { type: "string" },
  },
});

const TURN = [
  "Boolean", "SByte", "Byte", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64",
  "Float", "Double", "String",
];

// what node-opcua wants for a 64-bit number: [high word, low word]
const wide = (high, low) => [high >>> 0, low >>> 0];

const scalar = (type, value) => ({
  dataType: DataType[type],
  arrayType: VariantArrayType.Scalar,
  value,
});

function held(type, generation, n) {
  const h = (generation + n) % 120;
  switch (type) {
    case "Boolean": return h % 2 === 1;
    case "String": return String(h);
    case "Float": case "Double": return h / 4;
    case "Int64": case "UInt64": return wide(0, h);
    default: return h;
  }
}

const STILL = {
  Boolean: true,
  SByte: -128,
  Byte: 255,
  Int16: -32768,
  UInt16: 65535,
  Int32: -2147483648,
  UInt32: 4294967295,
  Int64: wide(0xffffffff, 0xfffffffe),
  UInt64: wide(0xffffffff, 0xffffffff),
  Float: 0.5,
  Double: -1.0e300,
  String: "主轴转速",
  DateTime: new Date(Date.UTC(2024, 1, 29, 12, 34, 56, 789)),
  Guid: "72962B91-FA75-4AE6-8D28-B404DC7DAF63",
  ByteString: Buffer.from([0, 1, 254, 255]),
  LocalizedText: { locale: "zh", text: "车间" },
  QualifiedName: { namespaceIndex: 1, name: "Name" },
};

const STATUSES = [
  "BadNoCommunication", "BadDeviceFailure", "UncertainLastUsableValue", "BadWaitingForInitialData",
];

function populate(server) {
  const space = server.engine.addressSpace;
  const namespace = space.registerNamespace("urn:chulian:peer:node-opcua");
  const folder = namespace.addFolder(space.rootFolder.objects, { browseName: "Peer" });
  const add = (name, dataType, value, more = {}) =>
    namespace.addVariable({
      componentOf: folder,
      browseName: name,
      nodeId: `s=${name}`,
      dataType,
      minimumSamplingInterval: 10,
      value: scalar(dataType, value),
      ...more,
    });

  for (const [type, value] of Object.entries(STILL)) add(`Still.${type}`, type, value);
  for (const name of STATUSES) {
    const variable = add(`Status.${name}`, "Int32", 7);
    variable.setValueFromSource(scalar("Int32", 7), StatusCodes[name]);
  }
  add("Array", "Int32", undefined, {
    valueRank: 1,
    value: {
      dataType: DataType.Int32,
      arrayType: VariantArrayType.Array,
      value: new Int32Array([1, 2, 3]),
    },
  });

  const counter = add("Generation", "UInt32", 0);
  const changing = SHOWN.map(({ type }, n) => add(`V${n}`, type, held(type, 0, n)));
  const tank = args.alarms === "yes" ? addTank(space, namespace) : undefined;
  return { counter, changing, tank };
}

// a historian begins with what its variable holds: that must be the oldest value, not the newest
function remember(space) {
  const [oldest, ...later] = past;
  if (oldest) show(...oldest);
  const depth = Number(args.history);
  if (depth > 0) {
    for (const variable of [nodes.counter, ...nodes.changing]) {
      space.installHistoricalDataNode(variable, { maxOnlineValues: depth });
    }
  }
  for (const each of later) show(...each);
}

// what is shown is kept outside of the server: it survives a restart, as in a machine
const SHOWN = Array.from({ length: Number(args.variables) }, (_, n) => {
  const turn = args.types?.split(",") ?? TURN;
  return { type: turn[n % turn.length] };
});
const DEPTH = Math.max(1, Number(args.history));
const past = logged().slice(-DEPTH); // [generation, time], as many as the history holds, or the last
const log = args.log && fs.openSync(args.log, "a");
let generation = past.at(-1)?.[0] ?? 0;
let nodes; // of the running server

function logged() {
  if (!args.log || !fs.existsSync(args.log)) return [];
  const lines = fs.readFileSync(args.log, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => line.split(" ").map(Number)).map(([n, ms]) => [n, new Date(ms)]);
}

function show(number, time) {
  SHOWN.forEach(({ type }, n) => {
    const value = scalar(type, held(type, number, n));
    nodes.changing[n].setValueFromSource(value, StatusCodes.Good, time);
  });
  nodes.counter.setValueFromSource(scalar("UInt32", number), StatusCodes.Good, time);
}

function change() {
  generation += 1;
  const now = new Date();
  if (log) fs.writeSync(log, `${generation} ${now.getTime()}\n`);
  past.push([generation, now]);
  if (past.length > DEPTH) past.shift();
  if (nodes) show(generation, now);
}

const MODES = { None: 1, Sign: 2, SignAndEncrypt: 3 };

function endpointOptions() {
  const found = {};
  const policy = (name) => `http://opcfoundation.org/UA/SecurityPolicy#${name}`;
  if (args.policies) found.securityPolicies = args.policies.split(",").map(policy);
  if (args.modes) found.securityModes = args.modes.split(",").map((name) => MODES[name]);
  return found;
}

async function makeManagers() {
  const accepts = { server: args.suspicious !== "yes", user: !args["user-certificate"] };
  const managers = {};
  for (const [name, all] of Object.entries(accepts)) {
    managers[name] = new OPCUACertificateManager({
      // who trusts everybody and who does not must not share what they have seen
      rootFolder: path.resolve(args.pki, all ? name : `${name}-explicit`),
      automaticallyAcceptUnknownCertificate: all,
    });
    await managers[name].initialize();
  }
  if (args["user-certificate"]) {
    await managers.user.trustCertificate(fs.readFileSync(args["user-certificate"]));
  }
  return managers;
}

async function trustRejected(manager) {
  const folder = path.join(manager.rootDir, "rejected");
  const files = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
  for (const file of files) {
    const text = fs.readFileSync(path.join(folder, file), "latin1");
    const der = Buffer.from(text.replace(/-----[^-]+-----|\s/g, ""), "base64");
    await manager.trustCertificate(der);
  }
  return files.length;
}

async function start(managers, port) {
  const [name, password] = (args.user ?? "").split(":");
  const server = new OPCUAServer({
    port,
    hostname: "127.0.0.1",
    serverCertificateManager: managers.server,
    userCertificateManager: managers.user,
    allowAnonymous: args.anonymous === "yes",
    userManager: { isValidUser: (user, given) => user === name && given === password },
    serverInfo: { applicationUri: "urn:chulian:peer:node-opcua:server" },
    buildInfo: { productName: "Peer", manufacturerName: "Sterfive", softwareVersion: "1.0.0" },
    ...endpointOptions(),
    serverCapabilities: {
      maxSessions: Number(args["max-sessions"]),
      maxSubscriptions: Number(args["max-subscriptions"]),
      maxSubscriptionsPerSession: Number(args["max-subscriptions"]),
      maxMonitoredItems: Number(args["max-items"]),
      maxMonitoredItemsPerSubscription: Number(args["max-items"]),
      operationLimits: {
        maxNodesPerRead: Number(args["max-read"]),
        maxNodesPerBrowse: Number(args["max-browse"]),
        maxNodesPerHistoryReadData: Number(args["max-history"]),
        maxMonitoredItemsPerCall: Number(args["max-monitored"]),
      },
    },
  });
  await server.initialize();
  nodes = populate(server);
  remember(server.engine.addressSpace);
  await server.start();
  console.log(`READY ${server.endpoints[0].port}`);
  return server;
}

async function main() {
  const managers = await makeManagers();
  let server = await start(managers, Number(args.port));
  const { port } = server.endpoints[0];
  if (Number(args["interval-ms"]) > 0) setInterval(change, Number(args["interval-ms"]));

  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [word, argument] = line.trim().split(/\s+/);
    if (word === "restart") {
      nodes = undefined;
      await server.shutdown(0);
      await delay(1000 * Number(argument ?? 0));
      server = await start(managers, port);
    } else if (word === "level" && nodes.tank) {
      nodes.tank.setValueFromSource(scalar("Double", Number(argument)));
      console.log(`LEVEL ${argument}`);
    } else if (word === "trust") {
      console.log(`TRUSTED ${await trustRejected(managers.server)}`);
    }
  }
  await server.shutdown(0);
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
