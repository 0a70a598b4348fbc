import { randomBytes } from "node:crypto";
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import type { LogIndex } from "@quorate/common";
import { segmentName } from "./format.js";
import { RealDisk } from "./real-disk.js";
import { type Segment, SegmentLog } from "./segment-log.js";
import { SharedBatchesTaker, type TakenBatch } from "./shared-batches.js";
import type { FromLogThread, LogThreadData, ToLogThread } from "./threaded-wal.js";
import { ioError } from "./wal-error.js";

/** The log has to have been quiet for so long before space is prepared while no one waits for it. */
const quietMs = 20;

// The thread blocks: on its disk, and on the owner's signal. It has no use for an event loop.
run(workerData as LogThreadData);

function run(data: LogThreadData): void {
  const { options, tail, port } = data;
  const batches = new SharedBatchesTaker(data.control);
  let isOver = false;
  let isClosing = false;
  let releaseUpTo: LogIndex | undefined;
  const send = (message: FromLogThread): void => parentPort?.postMessage(message);
  const failed = (error: unknown): void => {
    isOver = true;
    const { fault, cause } = ioError("log thread", options.directory, error);
    send({ kind: "failed", fault, cause });
  };
  const receive = (): void => {
    for (;;) {
      const message = receiveMessageOnPort(port)?.message as ToLogThread | undefined;
      if (message === undefined) return;
      if (message.kind === "memory") batches.setMemory(message);
      else if (message.kind === "release") releaseUpTo = message.upTo;
      else isClosing = true;
    }
  };
  const open = (): SegmentLog => {
    const disk = new RealDisk();
    const last = tail.segments.at(-1) as Segment;
    const file = disk.open(`${options.directory}/${segmentName(last.sequence, last.firstIndex)}`, "write");
    const randomUint32 = (): number => randomBytes(4).readUInt32LE();
    return new SegmentLog(options, { disk, monotonicMs: () => performance.now(), randomUint32, failed }, tail, file);
  };
  const writeBatch = (log: SegmentLog, batch: TakenBatch): void => {
    const { appends, used, mustSync } = batch;
    const written = (bytes: number, writeMs: number, syncMs: number | undefined): void =>
      send({ kind: "written", appends, bytes, writeMs, syncMs, segments: log.segmentCount, segmentBytes: log.offset });
    if (used > 0)
      log.write(
        batch,
        mustSync,
        ({ bytes, writeMs, syncMs }) => written(bytes, writeMs, syncMs),
        () => {},
      );
    else if (mustSync) log.sync(() => written(0, 0, undefined));
    else written(0, 0, undefined);
  };
  const loop = (log: SegmentLog): void => {
    let hasSpaceToPrepare = true;
    let patienceMs = quietMs;
    while (!isOver) {
      const { signal } = batches;
      receive();
      const batch = batches.take(receive);
      if (batch !== undefined) {
        writeBatch(log, batch);
        hasSpaceToPrepare = true;
        patienceMs = quietMs;
        if (log.isSpaceShort) log.prepareSpace();
      } else if (releaseUpTo !== undefined) {
        log.release(releaseUpTo);
        releaseUpTo = undefined;
      } else if (isClosing) {
        log.sync(() => {
          isOver = true;
          log.close();
          send({ kind: "closed" });
        });
      } else if (!batches.wait(signal, hasSpaceToPrepare ? patienceMs : undefined)) {
        hasSpaceToPrepare = log.prepareSpace();
        patienceMs = 0;
      }
    }
  };
  try {
    loop(open());
  } catch (error) {
    if (!isOver) failed(error);
  }
}
