import { randomBytes } from "node:crypto";
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import type { LogIndex } from "@quorate/common";
import { segmentName } from "./format.js";
import { RealDisk } from "./real-disk.js";
import { type Segment, SegmentLog } from "./segment-log.js";
import { SharedReportsWriter } from "./shared-reports.js";
import { SharedBatchesTaker, type TakenBatch } from "./shared-batches.js";
import type { FromLogThread, LogThreadData, ToLogThread } from "./threaded-wal.js";
import { ioError } from "./wal-error.js";

/** The log has to have been quiet for so long before space is prepared while no one waits for it. */
const quietMs = 20;

/** The thread blocks: on its disk, and on the owner's signal. It has no use for an event loop. */
class LogThread {
  readonly #data: LogThreadData;
  readonly #batches: SharedBatchesTaker;
  readonly #reports: SharedReportsWriter;
  #isOver = false;
  #isClosing = false;
  #releaseUpTo: LogIndex | undefined;

  constructor(data: LogThreadData) {
    this.#data = data;
    this.#batches = new SharedBatchesTaker(data.control);
    this.#reports = new SharedReportsWriter(data.reports);
  }

  run(): void {
    try {
      this.#loop(this.#open());
    } catch (error) {
      if (!this.#isOver) this.#fail(error);
    }
  }

  #open(): SegmentLog {
    const { options, tail } = this.#data;
    const disk = new RealDisk();
    const last = tail.segments.at(-1) as Segment;
    const file = disk.open(`${options.directory}/${segmentName(last.sequence, last.firstIndex)}`, "write");
    const randomUint32 = (): number => randomBytes(4).readUInt32LE();
    const failed = (error: unknown): void => this.#fail(error);
    const ports = { disk, monotonicMs: () => performance.now(), randomUint32, failed };
    // A file without holes was filled before the last stop.
    const spaceUpTo = file.allocatedBytes() >= file.size() ? file.size() : tail.offset;
    return new SegmentLog(options, ports, tail, { file, spaceUpTo });
  }

  #loop(log: SegmentLog): void {
    const receive = (): void => this.#receive();
    let hasSpaceToPrepare = true;
    let patienceMs = quietMs;
    while (!this.#isOver) {
      const { signal } = this.#batches;
      receive();
      const batch = this.#batches.take(receive);
      if (batch !== undefined) {
        this.#write(log, batch);
        hasSpaceToPrepare = true;
        patienceMs = quietMs;
        if (log.isSpaceShort) log.prepareSpace();
      } else if (this.#releaseUpTo !== undefined) {
        log.release(this.#releaseUpTo);
        this.#releaseUpTo = undefined;
      } else if (this.#isClosing) {
        log.sync(() => this.#finish(log));
      } else if (!this.#batches.wait(signal, hasSpaceToPrepare ? patienceMs : undefined)) {
        hasSpaceToPrepare = log.prepareSpace();
        patienceMs = 0;
      }
    }
  }

  #receive(): void {
    for (;;) {
      const message = receiveMessageOnPort(this.#data.port)?.message as ToLogThread | undefined;
      if (message === undefined) return;
      if (message.kind === "memory") this.#batches.setMemory(message);
      else if (message.kind === "release") this.#releaseUpTo = message.upTo;
      else this.#isClosing = true;
    }
  }

  #write(log: SegmentLog, batch: TakenBatch): void {
    const { appends, used, mustSync } = batch;
    const written = (bytes: number, writeMs: number, syncMs: number | undefined): void => {
      const { segmentCount: segments, offset: segmentBytes } = log;
      this.#reports.add({ appends, bytes, writeMs, syncMs, segments, segmentBytes });
    };
    const ready = (): void => {};
    if (used > 0) log.write(batch, mustSync, ({ bytes, writeMs, syncMs }) => written(bytes, writeMs, syncMs), ready);
    else if (mustSync) log.sync(() => written(0, 0, undefined));
    else written(0, 0, undefined);
  }

  #finish(log: SegmentLog): void {
    this.#isOver = true;
    log.close();
    send({ kind: "closed" });
  }

  #fail(error: unknown): void {
    this.#isOver = true;
    const { fault, cause } = ioError("log thread", this.#data.options.directory, error);
    send({ kind: "failed", fault, cause });
  }
}

function send(message: FromLogThread): void {
  parentPort?.postMessage(message);
}

new LogThread(workerData as LogThreadData).run();
