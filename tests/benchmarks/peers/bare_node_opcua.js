// The bare loop of node-opcua: subscribes every variable and only counts what it is handed.
//
//   node bare_node_opcua.js WARM_UP_S SECONDS VALUES INTERVAL_MS PUBLISHING_MS QUEUE PORT...
//
// Warms up when as many values have come as there are variables. Prints what a window of it cost as
// one line of JSON; ends when its input closes.

"use strict";

const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const { setTimeout: sleep } = require("node:timers/promises");
const { OPCUACertificateManager } = require("node-opcua-certificate-manager");
const { OPCUAClient, ClientSubscription, TimestampsToReturn } = require("node-opcua-client");
const { AttributeIds } = require("node-opcua-data-model");

const NAMESPACE = "urn:chulian:peer:node-opcua";
const [warmUp, seconds, size, interval, publishing, queueSize, ...ports] =
  process.argv.slice(2).map(Number);

let values = 0;

async function subscribe(port, clientCertificateManager) {
  const client = OPCUAClient.create({ endpointMustExist: false, clientCertificateManager });
  await client.connect(`opc.tcp://127.0.0.1:${port}`);
  const session = await client.createSession();
  const index = (await session.readNamespaceArray()).indexOf(NAMESPACE);
  const subscription = ClientSubscription.create(session, {
    requestedPublishingInterval: publishing,
    requestedLifetimeCount: 10000,
    requestedMaxKeepAliveCount: 10,
    maxNotificationsPerPublish: 10000,
    publishingEnabled: true,
    priority: 0,
  });
  const items = Array.from({ length: size }, (_, n) => ({
    nodeId: `ns=${index};s=V${n}`,
    attributeId: AttributeIds.Value,
  }));
  const group = await subscription.monitorItems(
    items,
    { samplingInterval: interval, queueSize, discardOldest: true },
    TimestampsToReturn.Both,
  );
  group.on("changed", () => { values += 1; });
  return client;
}

async function main() {
  const pki = fs.mkdtempSync(path.join(os.tmpdir(), "bare-node-opcua-"));
  const manager = new OPCUACertificateManager({ rootFolder: pki });
  await manager.initialize();
  for (const port of ports) await subscribe(port, manager);
  while (values < size * ports.length) await sleep(50);  // all came once: the start is over
  await sleep(warmUp * 1000);
  const before = { values, cpu: process.cpuUsage(), start: process.hrtime.bigint() };
  await sleep(seconds * 1000);
  const cpu = process.cpuUsage(before.cpu);
  const spent = {
    values: values - before.values,
    cpu_s: (cpu.user + cpu.system) / 1e6,
    wall_s: Number(process.hrtime.bigint() - before.start) / 1e9,
  };
  console.log(JSON.stringify(spent));
  process.stdin.resume();
  process.stdin.on("end", () => {
    fs.rmSync(pki, { recursive: true, force: true });
    process.exit(0);
  });
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
