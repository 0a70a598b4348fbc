import { workerData } from "node:worker_threads";
import { SharedReportsWriter } from "../dist/shared-reports.js";

// Started by shared-reports.test.ts: writes so many reports as fast as it can.
const { memory, count } = workerData as { memory: SharedArrayBuffer; count: number };
const writer = new SharedReportsWriter(memory);
for (let number = 1; number <= count; number++) {
  const syncMs = number % 2 === 0 ? undefined : number / 8;
  writer.add({
    appends: number,
    bytes: number * 2,
    writeMs: number / 4,
    syncMs,
    segments: number % 7,
    segmentBytes: number * 3,
  });
}
