// Watchers and a writer: events per second, and how long an event takes from the moment its put is handed to the socket.
import { setTimeout as sleep } from "node:timers/promises";
import { keyOf, stampBytes } from "./requests.mjs";
import { createWatchMessage, putMessage, StreamConnection } from "./stream.mjs";
import { visitFields } from "./wire.mjs";

const field = { created: 3, canceled: 4, events: 11, keyValue: 2, value: 5 };

/** Counts events; of every `sampleEvery`th answer it takes the time since its put. */
class Watchers {
  events = 0;
  created = 0;
  canceled = 0;
  delaysMs = [];
  sampleEvery = 1;
  isSampling = false;
  onEvents = () => {};
  #answers = 0;

  static async open(port, { streams, watchers, keyOfWatcher, onLost }) {
    const all = new Watchers();
    all.connections = await Promise.all(Array.from({ length: streams }, () => StreamConnection.open(port)));
    all.connections.forEach((connection, i) => {
      connection.onLost(onLost);
      const call = connection.call("/etcdserverpb.Watch/Watch");
      call.onMessage = (bytes, from, end) => all.#answer(bytes, from, end);
      call.onEnd = () => onLost(new Error("a watch stream ended"));
      for (let w = i; w < watchers; w += streams) call.send(createWatchMessage(keyOf(keyOfWatcher(w))));
    });
    for (let turn = 0; all.created < watchers; turn++) {
      if (turn > 2000) throw new Error(`only ${all.created} of ${watchers} watches were created`);
      await sleep(5);
    }
    return all;
  }

  close() {
    for (const connection of this.connections) connection.close();
  }

  #answer(bytes, from, end) {
    const isSample = this.isSampling && this.#answers++ % this.sampleEvery === 0;
    let events = 0;
    visitFields(bytes, from, end, (number, at, to) => {
      if (number === field.events) {
        events++;
        if (isSample) this.#sample(bytes, at, to);
      } else if (number === field.created) this.created++;
      else if (number === field.canceled) this.canceled++;
    });
    if (events === 0) return;
    this.events += events;
    this.onEvents();
  }

  #sample(bytes, from, end) {
    const nowMs = performance.now();
    visitFields(bytes, from, end, (number, at, to) => {
      if (number !== field.keyValue) return;
      visitFields(bytes, at, to, (inner, place) => {
        if (inner === field.value) this.delaysMs.push(nowMs - bytes.readDoubleLE(place));
      });
    });
  }
}

/** Sends puts whose values begin with the time of sending. */
class Writer {
  sent = 0;
  #connections;

  static async open(port, { connections, valueBytes, keyOfPut, onLost }) {
    const writer = new Writer();
    writer.#connections = await Promise.all(Array.from({ length: connections }, () => StreamConnection.open(port)));
    for (const connection of writer.#connections) connection.onLost(onLost);
    writer.keyOfPut = keyOfPut;
    writer.valueBytes = valueBytes;
    writer.onLost = onLost;
    return writer;
  }

  put() {
    const value = Buffer.alloc(this.valueBytes, "x");
    value.writeDoubleLE(performance.now());
    const connection = this.#connections[this.sent % this.#connections.length];
    connection
      .unary("/etcdserverpb.KV/Put", putMessage(keyOf(this.keyOfPut(this.sent)), value))
      .catch((error) => this.onLost(error));
    this.sent++;
  }

  close() {
    for (const connection of this.#connections) connection.close();
  }
}

/**
 * @param options `watchers` on `streams` streams (each a connection of its own), watching `keys` keys in turn: with one key each put is an event for all of
 *   them, with as many keys as watchers for one. First as fast as it goes for `seconds`, with `window` puts whose events are not all there yet; then one put
 *   each `paceMs`, to see how long an event takes when nobody waits.
 * @returns events per second, and delays of the second part in microseconds.
 */
export async function runWatch({
  port,
  watchers,
  streams,
  keys,
  window,
  seconds,
  paceMs,
  paceSeconds,
  onCounting,
  onCounted,
}) {
  let lost;
  const onLost = (error) => {
    lost ??= error;
  };
  const mustLive = () => {
    if (lost !== undefined) throw lost;
  };
  const eventsOfPut = watchers / keys;
  const all = await Watchers.open(port, { streams, watchers, keyOfWatcher: (w) => w % keys, onLost });
  const writer = await Writer.open(port, {
    connections: keys === 1 ? 1 : 4,
    valueBytes: Math.max(256, stampBytes),
    keyOfPut: (n) => (n * 7919) % keys,
    onLost,
  });
  const complete = () => all.events >= writer.sent * eventsOfPut;
  const settle = async () => {
    for (let waited = 0; !complete(); waited += 5) {
      mustLive();
      if (waited > 30_000) throw new Error(`${writer.sent * eventsOfPut - all.events} events did not come`);
      await sleep(5);
    }
  };
  try {
    const fast = await runFast({ all, writer, window, eventsOfPut, seconds, mustLive, onCounting, onCounted });
    await settle();
    all.isSampling = true;
    for (let i = 0; i < (paceSeconds * 1000) / paceMs; i++) {
      writer.put();
      await sleep(paceMs);
      mustLive();
    }
    await settle();
    const sorted = all.delaysMs.sort((a, b) => a - b);
    const at = (share) => Math.round((sorted[Math.floor((sorted.length - 1) * share)] ?? 0) * 1000);
    return { ...fast, errors: all.canceled, p50us: at(0.5), p99us: at(0.99), samples: sorted.length };
  } finally {
    writer.close();
    all.close();
  }
}

async function runFast({ all, writer, window, eventsOfPut, seconds, mustLive, onCounting, onCounted }) {
  const warmMs = 500;
  const began = performance.now();
  let isOver = false;
  all.onEvents = () => {
    while (!isOver && writer.sent - Math.floor(all.events / eventsOfPut) < window) writer.put();
  };
  all.onEvents();
  await sleep(warmMs);
  mustLive();
  const from = { events: all.events, ms: performance.now(), cpu: process.cpuUsage() };
  onCounting?.();
  while (performance.now() - began < warmMs + seconds * 1000) {
    await sleep(20);
    mustLive();
  }
  const spent = (performance.now() - from.ms) / 1000;
  const { user, system } = process.cpuUsage(from.cpu);
  const done = all.events - from.events;
  onCounted?.();
  isOver = true;
  return { done, perSecond: done / spent, loadCores: (user + system) / 1e6 / spent };
}
