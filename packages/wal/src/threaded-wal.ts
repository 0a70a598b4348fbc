import type { LogIndex } from "@quorate/common";
import { MessageChannel, type MessagePort, Worker } from "node:worker_threads";
import type { Instruments } from "./instruments.js";
import { PendingAppends } from "./pending-appends.js";
import type { LogTail, SegmentLogOptions } from "./segment-log.js";
import { createReportMemory, SharedReportsReader, type ThreadReport } from "./shared-reports.js";
import { SharedBatchesOwner, type SlotMemory } from "./shared-batches.js";
import type { Wal, WalBatch, WalSnapshot, WalStats } from "./wal.js";
import { WalError, type WalFault } from "./wal-error.js";

/** What the owner tells the log thread. */
export type ToLogThread = SlotMemory | { kind: "release"; upTo: LogIndex } | { kind: "close" };

/** What the log thread tells its owner, beside reports of batches. */
export type FromLogThread = { kind: "failed"; fault: WalFault; cause: unknown } | { kind: "closed" };

/** What the log thread starts with. */
export type LogThreadData = Readonly<{
  options: SegmentLogOptions;
  tail: LogTail;
  control: SharedArrayBuffer;
  reports: SharedArrayBuffer;
  port: MessagePort;
}>;

/** From source, as tests run, the thread is the built one: Node does not follow `.js` imports to `.ts` files. */
const threadFile = new URL(
  import.meta.url.endsWith(".ts") ? "../dist/log-thread.js" : "./log-thread.js",
  import.meta.url,
);

/** The log in a thread of its own, on the machine's disk. */
export class ThreadedWal implements Wal {
  readonly #pending: PendingAppends;
  readonly #batches: SharedBatchesOwner;
  readonly #reports: SharedReportsReader;
  readonly #port: MessagePort;
  readonly #worker: Worker;
  readonly #fatal: (error: Error) => void;
  #segments: number;
  #segmentBytes: number;
  #releasedUpTo = 0 as LogIndex;
  #closing: (() => void) | undefined;
  #isClosed = false;
  #hasFailed = false;

  constructor(
    options: SegmentLogOptions & { pendingBytesMax: number },
    tail: LogTail,
    ports: { instruments: Instruments; fatal: (error: Error) => void },
  ) {
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#fatal = ports.fatal;
    this.#segments = tail.segments.length;
    this.#segmentBytes = tail.offset;
    this.#pending = new PendingAppends(tail.lastIndex, ports.instruments);
    this.#batches = new SharedBatchesOwner(options, (memory) => this.#send(memory));
    const reports = createReportMemory();
    this.#reports = new SharedReportsReader(reports, (report) => this.#written(report));
    const workerData: LogThreadData = { options, tail, control: this.#batches.control, reports, port: port2 };
    this.#worker = new Worker(threadFile, { workerData, transferList: [port2], name: "wal" });
    this.#worker.on("message", (message: FromLogThread) => this.#receive(message));
    this.#worker.on("error", (error) => this.#fail(error instanceof Error ? error : new Error(String(error))));
    this.#worker.on("exit", (code) => this.#fail(new WalError({ code: "wal/thread-ended", reason: `exit ${code}` })));
  }

  append(batch: WalBatch, done: () => void): void {
    if (!this.#isOpen()) return;
    this.#pending.checkOrder(batch);
    this.#batches.add(batch);
    this.#pending.addBatch(batch, done);
  }

  saveSnapshot(snapshot: WalSnapshot, done: () => void): void {
    if (!this.#isOpen()) return;
    this.#batches.addSnapshot(snapshot);
    this.#pending.addSnapshot(snapshot, done);
  }

  release(upTo: LogIndex): void {
    if (!this.#isOpen() || upTo <= this.#releasedUpTo) return;
    this.#releasedUpTo = upTo;
    this.#send({ kind: "release", upTo });
    this.#batches.wake();
  }

  close(): Promise<void> {
    if (this.#isClosed || this.#hasFailed) return Promise.resolve();
    this.#isClosed = true;
    return new Promise((resolve) => {
      this.#closing = resolve;
      this.#send({ kind: "close" });
      this.#batches.wake();
    });
  }

  stats(): WalStats {
    const { totals, count: pendingAppends } = this.#pending;
    return { segments: this.#segments, segmentBytes: this.#segmentBytes, pendingAppends, ...totals };
  }

  #send(message: ToLogThread): void {
    this.#port.postMessage(message);
  }

  #isOpen(): boolean {
    if (this.#isClosed) throw new WalError({ code: "wal/closed" });
    return !this.#hasFailed;
  }

  #written(report: ThreadReport): void {
    if (this.#hasFailed) return;
    this.#segments = report.segments;
    this.#segmentBytes = report.segmentBytes;
    // Those who hear of one batch often append to the next: let all of them, so that they share a sync.
    this.#batches.gather(() => this.#pending.complete(report.appends, report));
  }

  #receive(message: FromLogThread): void {
    // What was reported before counts first.
    this.#reports.drain();
    if (message.kind === "closed") this.#finishClosing();
    else this.#fail(new WalError(message.fault, { cause: message.cause }));
  }

  #finishClosing(): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#reports.close();
    this.#port.close();
    void this.#worker.terminate().then(() => this.#closing?.());
  }

  #fail(error: Error): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#reports.close();
    this.#port.close();
    this.#closing?.();
    this.#fatal(error);
  }
}
