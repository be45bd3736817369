// An OPC UA server on node-opcua, whose values tell when they were held.
//
//   node server.js [--port 0] [--variables 100] [--interval-ms 100] [--pki DIR]
//                  [--types Int32,Double,...] [--user NAME:PASSWORD] [--anonymous no]
//                  [--max-read N] [--max-monitored N]
//
// Namespace urn:chulian:peer:node-opcua. Nodes, by string identifier:
//   Generation     UInt32, counts the changes since the start
//   V0, V1, ...    of the types in turn (all below); they change at once, with the generation's own time
//   Still.<type>   one of every scalar type, never changing
//   Status.<name>  an Int32 with that status code;  Array  an Int32 array
// With generation g, variable n holds h = (g + n) mod 120: as a number of its type, as h odd for
// Boolean, as "h" for String, as h / 4 for Float and Double.
// Prints "READY <port>" once it listens; ends when its input closes.

"use strict";

const path = require("node:path");
const { parseArgs } = require("node:util");
const { OPCUACertificateManager } = require("node-opcua-certificate-manager");
const { OPCUAServer } = require("node-opcua-server");
const { StatusCodes } = require("node-opcua-status-code");
const { DataType, VariantArrayType } = require("node-opcua-variant");

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
  const turn = args.types?.split(",") ?? TURN;
  const changing = Array.from({ length: Number(args.variables) }, (_, n) => {
    const type = turn[n % turn.length];
    return { type, n, variable: add(`V${n}`, type, held(type, 0, n)) };
  });
  let generation = 0;
  const change = () => {
    generation += 1;
    const now = new Date();
    for (const { type, n, variable } of changing) {
      variable.setValueFromSource(scalar(type, held(type, generation, n)), StatusCodes.Good, now);
    }
    counter.setValueFromSource(scalar("UInt32", generation), StatusCodes.Good, now);
  };
  if (Number(args["interval-ms"]) > 0) setInterval(change, Number(args["interval-ms"]));
}

async function main() {
  const managers = ["server", "user"].map(
    (name) =>
      new OPCUACertificateManager({
        rootFolder: path.resolve(args.pki, name),
        automaticallyAcceptUnknownCertificate: true,
      }),
  );
  for (const manager of managers) await manager.initialize();
  const [name, password] = (args.user ?? "").split(":");
  const server = new OPCUAServer({
    port: Number(args.port),
    hostname: "127.0.0.1",
    serverCertificateManager: managers[0],
    userCertificateManager: managers[1],
    allowAnonymous: args.anonymous === "yes",
    userManager: { isValidUser: (user, given) => user === name && given === password },
    serverInfo: { applicationUri: "urn:chulian:peer:node-opcua:server" },
    buildInfo: { productName: "Peer", manufacturerName: "Sterfive", softwareVersion: "1.0.0" },
    serverCapabilities: {
      maxSessions: 50,
      maxSubscriptions: 50,
      maxSubscriptionsPerSession: 50,
      maxMonitoredItems: 100000,
      maxMonitoredItemsPerSubscription: 100000,
      operationLimits: {
        maxNodesPerRead: Number(args["max-read"]),
        maxMonitoredItemsPerCall: Number(args["max-monitored"]),
      },
    },
  });
  await server.initialize();
  populate(server);
  await server.start();
  console.log(`READY ${server.endpoints[0].port}`);

  process.stdin.resume();
  process.stdin.on("end", async () => {
    await server.shutdown(0);
    process.exit(0);
  });
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
