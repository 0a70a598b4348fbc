import { type LogIndex, silentLogger, silentMeter, type Term } from "@quorate/common";
import { type MvccPorts, openMvcc } from "@quorate/mvcc";

// Started by kill.test.ts: applies entry after entry until it is killed, and prints the entry that each flush has reached. What an
// entry does follows from its index alone.
const [path = ""] = process.argv.slice(2);
const ports: MvccPorts = {
  clock: {
    monotonicMs: () => performance.now(),
    wallMs: () => Date.now(),
    after: (delayMs, run) => {
      const timer = setTimeout(run, delayMs);
      return { cancel: () => clearTimeout(timer) };
    },
  },
  logger: silentLogger,
  meter: silentMeter,
  fatal: (error) => {
    throw error;
  },
};

const bytes = (text: string): Uint8Array => Buffer.from(text);
const store = openMvcc(
  { path, flushBytes: 10_000, checkpointBytes: 200_000, compactionSleepMs: 0, compactionBatchLimit: 20 },
  ports,
);

/** Puts a key; every tenth entry deletes a stretch of keys as well, every hundredth compacts. */
function apply(index: number): void {
  const transaction = store.begin({ index: index as LogIndex, term: 1 as Term });
  const key = (n: number): Uint8Array => bytes(`key/${String(n % 500).padStart(3, "0")}`);
  transaction.put({ key: key(index * 7), value: bytes(`${index}`.repeat(1 + (index % 40))), lease: undefined });
  if (index % 10 === 0) {
    const range = { kind: "span", start: key(index), end: key(index + 5) } as const;
    transaction.deleteRange(range, { wantPrevious: false });
  }
  transaction.setBucket("counter", "entries", bytes(String(index)));
  if (index % 100 === 0) transaction.compact((store.revision - 20) as typeof store.revision);
  transaction.commit();
}

let reported: number = store.flushed.index;
for (let index = store.applied.index + 1; ; index++) {
  apply(index);
  if (index % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
  if (store.flushed.index !== reported) {
    reported = store.flushed.index;
    process.stdout.write(`${reported}\n`);
  }
}
