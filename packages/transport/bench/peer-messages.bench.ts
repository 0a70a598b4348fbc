/**
 * What replication costs the sender: turns of some puts each, at a steady rate, as one message of so many parts to a peer in another process, which
 * acknowledges each. Processor time of this process per put, above that of the same turns without a peer. node bench/peer-messages.bench.ts [seconds].
 * Needs a build.
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { ClusterId, MemberId } from "@quorate/common";
import { createListener, createPeerNetwork, GrpcServices, peerListenerLimits, systemPorts } from "@quorate/transport";

const [leader, follower] = [1n as MemberId, 2n as MemberId];
const seconds = Number(process.argv[2] ?? 5);
const ports = systemPorts();

async function join(self: MemberId, message: (from: MemberId) => void) {
  const version = { server: "3.7.1", minCluster: "3.0.0" };
  const network = createPeerNetwork({ self, cluster: 7n as ClusterId, version }, ports);
  network.receive({
    message,
    linkLost: () => {},
    snapshot: () => undefined,
    answer: () => Promise.reject(new Error("no")),
  });
  const services = new GrpcServices();
  network.register(services);
  const listener = createListener({ services, limits: peerListenerLimits }, ports);
  const { port } = await listener.listen({ host: "127.0.0.1", port: 0 });
  return { network, port };
}

async function follow(leaderPort: number): Promise<void> {
  const ack = [Buffer.alloc(20, 1)];
  const { network, port } = await join(follower, (from) => network.send(from, ack));
  network.setPeers([{ member: leader, urls: [`http://127.0.0.1:${leaderPort}`] }]);
  process.send?.(port);
}

async function measure(
  title: string,
  turnsPerSecond: number,
  puts: number,
  send: (parts: Uint8Array[]) => void,
): Promise<void> {
  const entries = Array.from({ length: puts }, () => Buffer.alloc(330, 2));
  let turns = 0;
  const beforeUse = process.cpuUsage();
  const startMs = performance.now();
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const elapsedMs = performance.now() - startMs;
      if (elapsedMs > seconds * 1000) {
        clearInterval(timer);
        resolve();
      }
      for (; turns < (elapsedMs / 1000) * turnsPerSecond; turns++) send(entries);
    }, 1);
  });
  const { user, system } = process.cpuUsage(beforeUse);
  console.log(`${title}: ${((user + system) / turns / puts).toFixed(2)} us of processor time a put (${turns} turns)`);
}

/** As many turns as there can be with so many on the way: what a turn costs when the process does not sleep in between. */
async function rush(
  puts: number,
  onTheWay: number,
  next: (run: () => void) => void,
  send: (parts: Uint8Array[]) => void,
): Promise<void> {
  const entries = Array.from({ length: puts }, () => Buffer.alloc(330, 2));
  const before = process.cpuUsage();
  const startMs = performance.now();
  let turns = 0;
  await new Promise<void>((resolve) => {
    next(() => {
      if (performance.now() - startMs > seconds * 1000) return resolve();
      turns++;
      send(entries);
    });
    for (let at = 0; at < onTheWay; at++) send(entries);
  });
  const { user, system } = process.cpuUsage(before);
  const perSecond = Math.round((turns * puts * 1000) / (performance.now() - startMs));
  console.log(
    `${onTheWay} turns of ${puts} puts on the way: ${((user + system) / turns / puts).toFixed(2)} us of processor time a put, ${perSecond} puts a second`,
  );
}

const leaderPort = process.argv[3];
if (leaderPort !== undefined) await follow(Number(leaderPort));
else {
  let acks = 0;
  let onAck: () => void = () => {};
  const { network, port } = await join(leader, () => {
    acks++;
    onAck();
  });
  const child = fork(fileURLToPath(import.meta.url), [String(seconds), String(port)]);
  const childPort = await new Promise((resolve) => child.once("message", resolve));
  network.setPeers([{ member: follower, urls: [`http://127.0.0.1:${childPort}`] }]);
  while (network.status(follower)?.isConnected !== true) await new Promise((resolve) => setTimeout(resolve, 10));
  for (const [rate, puts] of [
    [1000, 30],
    [1000, 30],
    [3000, 10],
    [300, 100],
  ] as const) {
    let dropped = 0;
    await measure(`${rate} turns a second of ${puts} puts, nobody there`, rate, puts, () => {});
    await measure(`${rate} turns a second of ${puts} puts, one peer`, rate, puts, (parts) => {
      if (!network.send(follower, parts)) dropped++;
    });
    console.log(`  acknowledged ${acks}, dropped ${dropped}`);
    acks = 0;
  }
  for (const puts of [10, 30, 100]) {
    await rush(
      puts,
      4,
      (run) => {
        onAck = run;
      },
      (parts) => network.send(follower, parts),
    );
    onAck = () => {};
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  child.kill();
  await network.stop();
  process.exit();
}
