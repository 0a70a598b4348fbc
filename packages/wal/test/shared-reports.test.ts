import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import {
  createReportMemory,
  SharedReportsReader,
  SharedReportsWriter,
  type ThreadReport,
} from "../src/shared-reports.js";

function buildReport(number: number): ThreadReport {
  const syncMs = number % 2 === 0 ? undefined : number / 8;
  return {
    appends: number,
    bytes: number * 2,
    writeMs: number / 4,
    syncMs,
    segments: number % 7,
    segmentBytes: number * 3,
  };
}

describe("SharedReports", () => {
  it("come in order, each once, in a turn of their own", async () => {
    const memory = createReportMemory();
    const got: ThreadReport[] = [];
    let wake: () => void = () => {};
    const reader = new SharedReportsReader(memory, (report) => {
      got.push(report);
      wake();
    });
    const writer = new SharedReportsWriter(memory);
    for (let number = 1; number <= 3; number++) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      writer.add(buildReport(number));
      expect(got.length).toBe(number - 1);
      await woken;
    }
    expect(got).toEqual([1, 2, 3].map(buildReport));
    writer.add(buildReport(4));
    reader.drain();
    expect(got.length).toBe(4);
    reader.close();
    writer.add(buildReport(5));
    reader.drain();
    expect(got.length).toBe(4);
  });

  it("wait while the owner is too busy to read, and none is lost", async () => {
    const count = 3000;
    const memory = createReportMemory();
    const got: ThreadReport[] = [];
    const all = new Promise<void>((resolve) => {
      const reader = new SharedReportsReader(memory, (report) => {
        got.push(report);
        if (got.length < count) return;
        reader.close();
        resolve();
      });
    });
    const worker = new Worker(new URL("./report-writer.ts", import.meta.url), { workerData: { memory, count } });
    // The thread fills its 256 places while this one looks away.
    await new Promise((resolve) => worker.once("online", resolve));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    expect(got.length).toBeLessThan(count);
    await all;
    await worker.terminate();
    expect(got).toEqual(Array.from({ length: count }, (_, at) => buildReport(at + 1)));
  });
});
