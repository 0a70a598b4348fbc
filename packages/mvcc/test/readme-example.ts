import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { type LogIndex, type Revision, silentLogger, silentMeter, type Term } from "@quorate/common";
import { keyRangeFromWire, type MvccPorts, openMvcc } from "../src/index.js";

const directory = mkdtempSync(`${tmpdir()}/store-`);
const clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs: number, run: () => void) => {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};
const fatal = (error: Error): void => {
  console.error(error);
  process.exit(1); // the log has everything: a restart begins at `applied`
};
const ports: MvccPorts = { clock, logger: silentLogger, meter: silentMeter, fatal };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const store = openMvcc({ path: `${directory}/db` }, ports);
let index = store.applied.index as number;
const nextEntry = () => ({ index: ++index as LogIndex, term: 1 as Term });

// One log entry, one transaction, one revision.
const first = store.begin(nextEntry());
first.put({ key: bytes("fruit/apple"), value: bytes("red"), lease: undefined });
first.put({ key: bytes("fruit/pear"), value: bytes("green"), lease: undefined });
const committed = first.commit();
console.log("revision", committed.revision, "changes", committed.changes.length);

const second = store.begin(nextEntry());
second.deleteRange(keyRangeFromWire(bytes("fruit/pear"), bytes("")), { wantPrevious: false });
second.commit();

// Records are encoded mvccpb.KeyValue messages, ready to be put into a reply.
const fruit = keyRangeFromWire(bytes("fruit/"), bytes("fruit0"));
console.log("now", store.range({ range: fruit, limit: 10 }).count);
console.log("before", store.range({ range: fruit, revision: 2 as Revision }).count);
console.log(
  "since",
  store
    .history(2 as Revision, { revisionsMax: 10, bytesMax: 1e6 })
    .changes.map((change) => change.kind)
    .join(),
);

await store.checkpoint(); // up to here the log may be dropped
console.log("durable", store.durable.index);
await store.close();
rmSync(directory, { recursive: true });
