// What an event costs for one more watcher, in the hub alone: the events of one key, delivered to sinks that take them and do nothing.
import { bytesOf, committedPut } from "./committed.mjs";
import { WatchHub } from "../../packages/mvcc/dist/index.js";
import { say, timeEach } from "./measure.mjs";

const sinks = 10;

function perPut(watchers) {
  const source = {
    revision: 1,
    compactedRevision: undefined,
    history: () => ({ changes: [], next: source.revision + 1 }),
  };
  const hub = new WatchHub(source);
  const streams = Array.from({ length: sinks }, () => ({
    isFull: false,
    bytes: 0,
    compacted() {},
    deliver(_, batch) {
      this.bytes += batch.bytes.length;
      return true;
    },
  }));
  const range = { kind: "key", key: bytesOf("key") };
  const filters = { noPut: false, noDelete: false };
  for (let i = 0; i < watchers; i++)
    hub.add({ handle: i, range, startRevision: undefined, filters, previous: false, sink: streams[i % sinks] });
  return timeEach(watchers === 1 ? 5000 : 100, (times) => {
    for (let i = 0; i < times; i++) {
      source.revision += 1;
      hub.publish(committedPut("key", source.revision));
    }
  }).value;
}

const one = perPut(1);
const thousand = perPut(1000);
say([
  { id: "watch-put", name: "watch hub: a put that one watcher sees", value: one, unit: "us" },
  {
    id: "watch-further",
    name: "watch hub: the event for each further watcher",
    value: (thousand - one) / 999,
    unit: "us",
    budget: 1,
  },
]);
