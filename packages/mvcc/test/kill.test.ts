import { spawn } from "node:child_process";
import { afterEach, describe, expect, it } from "vitest";
import { openMvcc } from "../src/index.js";
import { Model } from "./model/model.js";
import { changeLine, modelChange, modelLine, recordLine } from "./support/compare.js";
import { buildPorts, removeScratch, scratchDirectory, text } from "./support/open.js";
import { everything, revision } from "./support/write.js";

afterEach(removeScratch);

const script = new URL("kill-writer.ts", import.meta.url).pathname;

/** Lets the writer report so many flushes and kills it. @returns the last entry it said was flushed. */
function killAfter(path: string, flushes: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, path], { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      if (output.split("\n").length > flushes) child.kill("SIGKILL");
    });
    child.on("error", reject);
    child.on("close", (_, signal) => {
      if (signal !== "SIGKILL") reject(new Error(`ended by itself: ${output.slice(-200)}`));
      // The last line may be cut off.
      else resolve(Number(output.slice(0, output.lastIndexOf("\n")).split("\n").at(-1)));
    });
  });
}

/** Does to the model what the writer does at an entry. */
function applyToModel(model: Model, index: number): void {
  const key = (n: number): string => `key/${String(n % 500).padStart(3, "0")}`;
  const transaction = model.begin();
  transaction.put(key(index * 7), `${index}`.repeat(1 + (index % 40)), 0n);
  if (index % 10 === 0) transaction.deleteRange({ start: key(index), end: key(index + 5) });
  const compactTo = model.revision - 20;
  transaction.commit();
  if (index % 100 === 0) model.compact(compactTo, { takesHash: false });
}

describe("a store whose process is killed", () => {
  it("is found as it was after some entry at or after the last flush, and goes on from there", async () => {
    const path = `${scratchDirectory()}/db`;
    const model = new Model();
    let modelIndex = 0;
    for (const flushes of [1, 5, 12, 3]) {
      const flushed = await killAfter(path, flushes);
      const store = openMvcc({ path, storeThread: false, compactionSleepMs: 0 }, buildPorts());
      expect(store.applied.index).toBeGreaterThanOrEqual(flushed);
      while (modelIndex < store.applied.index) applyToModel(model, ++modelIndex);
      expect([store.revision, store.compactedRevision ?? -1]).toEqual([model.revision, model.compacted]);
      expect(text(store.bucket("counter").get("entries"))).toBe(String(modelIndex));
      const expected = model.range({ span: { start: "\0", end: undefined } });
      expect(store.range({ range: everything }).records.map(recordLine)).toEqual(expected.records.map(modelLine));
      expect(store.keyCount()).toBe(expected.count);
      const from = Math.max(model.compacted + 1, 2);
      const { changes } = store.history(revision(from), { revisionsMax: 1e6, bytesMax: 1e9 });
      expect(changes.map(changeLine)).toEqual(model.history(from, { start: "", end: undefined }).map(modelChange));
      await store.whenCompacted();
      expect((await store.hashKv(undefined)).hash).toBe(model.hashKv(model.revision).hash);
      await store.close();
    }
    expect(modelIndex).toBeGreaterThan(100);
  });
});
