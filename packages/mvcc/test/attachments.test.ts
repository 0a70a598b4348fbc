import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, type LeaseId, type LogIndex, silentLogger, silentMeter, type Term } from "@quorate/common";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Mvcc, openMvcc } from "../src/index.js";

const clock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => 0,
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

let directory = "";
let index = 0;

function open(): Mvcc {
  const fatal = (error: Error): void => {
    throw error;
  };
  return openMvcc(
    { path: join(directory, "db"), storeThread: false },
    { clock, logger: silentLogger, meter: silentMeter, fatal },
  );
}

function put(store: Mvcc, key: string, lease: bigint | undefined): void {
  const txn = store.begin({ index: ++index as LogIndex, term: 1 as Term });
  txn.put({ key: Buffer.from(key), value: Buffer.from("v"), lease: lease as LeaseId | undefined });
  txn.commit();
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "mvcc-attachments-"));
  index = 0;
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("attachments", () => {
  it("finds after a restart which keys hang on which lease, of 64-bit ids and none but those", async () => {
    const store = open();
    const huge = 7587870152021180417n;
    put(store, "a", huge);
    put(store, "b", undefined);
    put(store, "c", -1n);
    put(store, "d", huge);
    put(store, "e", 5n);
    put(store, "e", undefined);
    put(store, "f", 5n);
    put(store, "f", -1n);
    await store.close();
    const again = open();
    const found = [...again.attachments()].map(({ lease, key }) => [lease, Buffer.from(key).toString()]);
    expect(found).toEqual([
      [-1n, "c"],
      [-1n, "f"],
      [huge, "a"],
      [huge, "d"],
    ]);
    await again.close();
  });

  it("is for a start only", async () => {
    const store = open();
    put(store, "a", 1n);
    expect(() => store.attachments()).toThrow("attachments are read before anything is applied");
    await store.close();
  });
});
