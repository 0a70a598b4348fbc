import type { Clock, Timer } from "@quorate/common";
import { ProtoError } from "@quorate/proto";
import type { RangeQuery } from "@quorate/mvcc";
import type { UnaryCall } from "@quorate/transport";
import type { CoreLink, FrontState, FromCore } from "../core/core-link.js";
import type { RequestSerial } from "../core/request-serial.js";
import { type Fault, publicError } from "../public-errors.js";
import { LeaderStreams } from "./leader-streams.js";

/** Settings of a front. */
export type FrontOptions = Readonly<{
  /** Largest entry a request may become, in bytes. */
  requestBytesMax: number;
  /** Operations a transaction may have in one list. */
  txnOperationsMax: number;
  /** How long a request may wait for its answer, in milliseconds. */
  requestTimeoutMs: number;
  /** Entries that may be committed and not yet applied before new ones are refused. */
  applyBacklogMax: number;
  tickMs: number;
  electionTicks: number;
}>;

/** Who waits for one answer: a unary call, or something inside the process. */
export type Asker = Pick<UnaryCall, "isOver" | "reply" | "replyParts" | "fail">;

/** Takes the pieces of a streamed answer. */
export interface ChunkReader {
  chunk(parts: readonly Uint8Array[], last: boolean): void;
  fail(fault: Fault): void;
}

/** Takes what a watch stream is sent. */
export interface WatchReader {
  message(parts: readonly Uint8Array[]): void;
  /** The stream ends for this reason. */
  end(fault: Fault): void;
}

const sweepMs = 100;
/** One key that hardly exists. */
const probeQuery: RangeQuery = { range: { kind: "key", key: new Uint8Array([0]) }, limit: 1 };
const firstState: FrontState = {
  leader: undefined,
  isLearner: false,
  databaseBytes: 0,
  quotaBytes: undefined,
  applyBacklog: 0,
};

/**
 * The side of a member that faces its clients: knows which call waits for which answer of the core, and gives up those that wait too long. All
 * unary calls wait equally long, so one queue in order of arrival holds their deadlines.
 */
export class Front {
  readonly options: FrontOptions;
  readonly link: CoreLink;
  readonly serial: RequestSerial;
  /** Streams that end when there is no leader for long. */
  readonly leaderStreams: LeaderStreams;
  readonly #clock: Clock;
  readonly #calls = new Map<number, Asker>();
  readonly #chunkReaders = new Map<number, ChunkReader>();
  readonly #watchReaders = new Map<number, WatchReader>();
  readonly #streams = new Set<{ end(fault: Fault): void }>();
  #deadlines: { serial: number; atMs: number }[] = [];
  #sweeper: Timer | undefined;
  #state = firstState;
  #nowMs = 0;

  constructor(parts: { options: FrontOptions; link: CoreLink; serial: RequestSerial }, ports: { clock: Clock }) {
    this.options = parts.options;
    this.link = parts.link;
    this.serial = parts.serial;
    this.#clock = ports.clock;
    this.#nowMs = ports.clock.monotonicMs();
    const electionMs = parts.options.tickMs * parts.options.electionTicks;
    this.leaderStreams = new LeaderStreams(() => this.#state.leader !== undefined, { electionMs }, ports);
    this.#sweeper = ports.clock.after(sweepMs, () => this.#sweep());
  }

  /** What the core last said of itself. */
  get state(): FrontState {
    return this.#state;
  }

  /** Calls that wait for an answer. */
  get pending(): number {
    return this.#calls.size + this.#chunkReaders.size;
  }

  /** Streams that have to be ended when the member stops, but for watches. */
  get openStreams(): number {
    return this.#streams.size;
  }

  /** Remembers a call until its answer comes. @returns the number to ask with. */
  expect(call: Asker): number {
    const serial = this.serial.next();
    this.expectAs(serial, call);
    return serial;
  }

  /** The same with a number that is chosen already. */
  expectAs(serial: number, call: Asker): void {
    this.#calls.set(serial, call);
    this.#deadlines.push({ serial, atMs: this.#nowMs + this.options.requestTimeoutMs });
  }

  /** The same for work that may take as long as it needs; only the caller's own deadline ends the wait. */
  expectLong(call: Asker): number {
    const serial = this.serial.next();
    this.#calls.set(serial, call);
    return serial;
  }

  /**
   * Reads as a client does, for the pages that say how the member is: from this member's own state, or agreed with a majority first.
   * @returns the text of the error, or undefined when it could be read.
   */
  probe(options: { isLinearizable: boolean }, signal: AbortSignal): Promise<string | undefined> {
    return new Promise((resolve) => {
      const asker = {
        isOver: false,
        reply: () => resolve(undefined),
        replyParts: () => resolve(undefined),
        fail: (status: { message: string }) => resolve(status.message),
      };
      signal.addEventListener("abort", () => resolve("context canceled"), { once: true });
      const serial = this.expect(asker);
      this.link.send({
        kind: "range",
        serial,
        query: probeQuery,
        serializable: !options.isLinearizable,
        trace: undefined,
      });
    });
  }

  /** The caller has gone: its answer is not waited for any more. */
  forget(serial: number): void {
    if (this.#calls.delete(serial)) this.link.send({ kind: "cancel", serial });
  }

  /** Remembers who takes the pieces of a streamed answer. @returns the number to ask with. */
  expectChunks(reader: ChunkReader): number {
    const serial = this.serial.next();
    this.#chunkReaders.set(serial, reader);
    return serial;
  }

  /** Nobody takes the pieces any more. */
  forgetChunks(serial: number): void {
    if (this.#chunkReaders.delete(serial)) this.link.send({ kind: "cancel", serial });
  }

  openWatch(stream: number, reader: WatchReader): void {
    this.#watchReaders.set(stream, reader);
    this.link.send({ kind: "watch-open", stream });
  }

  closeWatch(stream: number): void {
    if (this.#watchReaders.delete(stream)) this.link.send({ kind: "watch-close", stream });
  }

  /** Ends a call with what a client sees of a fault. */
  fail(call: Asker, fault: Fault): void {
    const { status, message } = publicError(fault);
    call.fail({ code: status, message });
  }

  /** Takes what the core says. */
  receive(message: FromCore): void {
    switch (message.kind) {
      case "reply":
        return this.#reply(message.serial, message.parts);
      case "chunk":
        return this.#chunk(message.serial, message.parts, message.last);
      case "fail":
        return this.#fail(message.serial, message.fault);
      case "watch":
        return this.#watchReaders.get(message.stream)?.message(message.parts);
      case "state":
        this.#state = message.state;
    }
  }

  /** A stream that has to be ended when the member stops. */
  joinStreams(stream: { end(fault: Fault): void }): void {
    this.#streams.add(stream);
  }

  leaveStreams(stream: { end(fault: Fault): void }): void {
    this.#streams.delete(stream);
  }

  /** Ends all streams, so that only unary calls are left to finish. */
  endStreams(): void {
    for (const [stream, reader] of [...this.#watchReaders]) {
      this.closeWatch(stream);
      reader.end({ code: "server/stopped" });
    }
    for (const stream of [...this.#streams]) stream.end({ code: "server/stopped" });
    this.#streams.clear();
    for (const [serial, reader] of [...this.#chunkReaders]) {
      this.forgetChunks(serial);
      reader.fail({ code: "server/stopped" });
    }
  }

  /** Refuses all that waits. Nothing is remembered after this. */
  stop(): void {
    this.#sweeper?.cancel();
    this.#sweeper = undefined;
    this.leaderStreams.stop();
    for (const call of this.#calls.values()) if (!call.isOver) this.fail(call, { code: "server/stopped" });
    for (const reader of this.#chunkReaders.values()) reader.fail({ code: "server/stopped" });
    this.#calls.clear();
    this.#chunkReaders.clear();
    this.#deadlines = [];
  }

  #reply(serial: number, parts: readonly Uint8Array[]): void {
    const call = this.#calls.get(serial);
    if (call === undefined) return; // timed out, or proposed in an earlier life of this member
    this.#calls.delete(serial);
    if (call.isOver) return;
    if (parts.length === 1) call.reply(parts[0] as Uint8Array);
    else call.replyParts(parts);
  }

  #chunk(serial: number, parts: readonly Uint8Array[], last: boolean): void {
    const reader = this.#chunkReaders.get(serial);
    if (last) this.#chunkReaders.delete(serial);
    reader?.chunk(parts, last);
  }

  #fail(serial: number, fault: Fault): void {
    const call = this.#calls.get(serial);
    if (call !== undefined) {
      this.#calls.delete(serial);
      if (!call.isOver) this.fail(call, fault);
      return;
    }
    const reader = this.#chunkReaders.get(serial);
    this.#chunkReaders.delete(serial);
    reader?.fail(fault);
  }

  #sweep(): void {
    this.#nowMs = this.#clock.monotonicMs();
    let done = 0;
    while (done < this.#deadlines.length) {
      const { serial, atMs } = this.#deadlines[done] as { serial: number; atMs: number };
      // An answered call leaves only its place in the queue; one that waits holds up the rest, which wait no longer than it.
      if (this.#calls.has(serial)) {
        if (atMs > this.#nowMs) break;
        // Deadlines count from the sweep before the call.
        const waitedMs = Math.max(0, this.#nowMs - atMs + this.options.requestTimeoutMs - sweepMs);
        this.link.send({ kind: "give-up", serial, waitedMs });
      }
      done++;
    }
    if (done > 0) this.#deadlines = this.#deadlines.slice(done);
    this.#sweeper = this.#clock.after(sweepMs, () => this.#sweep());
  }
}

/** Decodes a request. @returns undefined after it has failed the call: what came is not the message it should be. */
export function decodeRequest<T>(
  call: { fail(status: { code: number; message: string }): void },
  codec: { decode(bytes: Uint8Array): T },
  bytes: Uint8Array,
): T | undefined {
  try {
    return codec.decode(bytes);
  } catch (error) {
    if (!(error instanceof ProtoError)) throw error;
    const { status, message } = publicError({ code: "server/malformed-request", reason: error.message });
    call.fail({ code: status, message });
    return undefined;
  }
}
