// Leases that are renewed over a few streams, as fast as it goes.
import { setTimeout as sleep } from "node:timers/promises";
import { grantMessage, keepAliveMessage, StreamConnection } from "./stream.mjs";
import { readNumber, visitFields } from "./wire.mjs";

const warmSeconds = 0.3;
const ttlSeconds = 600;
const ttlField = 3;

/** @returns renewals per second, and their times in microseconds. */
export async function runLease({ port, leases, streams, inflight, seconds, onCounting, onCounted }) {
  let lost;
  const connections = await Promise.all(Array.from({ length: streams }, () => StreamConnection.open(port)));
  for (const connection of connections) {
    connection.onLost((error) => {
      lost ??= error;
    });
  }
  const idOf = (i) => 7_000_000_000_000_000_000n + BigInt(i);
  const grants = Array.from({ length: leases }, (_, i) =>
    connections[i % streams].unary("/etcdserverpb.Lease/LeaseGrant", grantMessage(idOf(i), ttlSeconds)),
  );
  await Promise.all(grants);
  const state = { isCounting: false, isOver: false, done: 0, errors: 0, times: [] };
  const perStream = Math.max(1, Math.floor(inflight / streams));
  let turn = 0;
  for (const connection of connections) {
    const call = connection.call("/etcdserverpb.Lease/LeaseKeepAlive");
    const sentAt = []; // answers come in the order of the requests
    const send = () => {
      sentAt.push(performance.now());
      call.send(keepAliveMessage(idOf(turn++ % leases)));
    };
    call.onMessage = (bytes, from, end) => {
      const ms = performance.now() - sentAt.shift();
      let ttl = 0;
      visitFields(bytes, from, end, (number, at) => {
        if (number === ttlField) ttl = readNumber(bytes, at);
      });
      if (ttl !== ttlSeconds) state.errors++;
      if (state.isCounting) {
        state.done++;
        state.times.push(ms);
      }
      if (!state.isOver) send();
    };
    for (let i = 0; i < perStream; i++) send();
  }
  await sleep(warmSeconds * 1000);
  state.isCounting = true;
  onCounting?.();
  const cpu = process.cpuUsage();
  const began = performance.now();
  await sleep(seconds * 1000);
  state.isCounting = false;
  state.isOver = true;
  const spent = (performance.now() - began) / 1000;
  onCounted?.();
  const { user, system } = process.cpuUsage(cpu);
  for (const connection of connections) connection.close();
  if (lost !== undefined) throw lost;
  const sorted = state.times.sort((a, b) => a - b);
  const at = (share) => Math.round((sorted[Math.floor((sorted.length - 1) * share)] ?? 0) * 1000);
  const { done, errors } = state;
  return {
    done,
    errors,
    perSecond: done / spent,
    p50us: at(0.5),
    p99us: at(0.99),
    loadCores: (user + system) / 1e6 / spent,
  };
}
