import type { Event, WatchCreateRequest } from "@quorate/proto";
import { WatchCreateRequest as createRequestCodec } from "@quorate/proto";
import type { ClientError } from "../client-error.js";
import type { Header } from "../kv/header.js";

/** What a watcher asks for, apart from where it begins. */
export type WatcherRequest = Pick<
  WatchCreateRequest,
  "key" | "rangeEnd" | "filters" | "prevKv" | "progressNotify" | "fragment"
>;

/** Whom a watcher tells. */
export interface WatcherSink {
  /** Once, when the first member has created the watch. */
  started(revision: bigint): void;
  /** Whole revisions, each event once, in order. No events: all up to the header's revision has been delivered. */
  batch(events: readonly Event[], header: Header): void;
  /** Nothing more comes. */
  failed(error: ClientError): void;
  /** Too much is waiting to be read. */
  readonly isFull: boolean;
}

/** How long a watcher waits for a member. */
export type Patience = { readonly toStartMs: number; readonly toGoOnMs: number };

/** One watch, as it goes from stream to stream. */
export class Watcher {
  /** Its id on the present stream, once it was created there. */
  id: bigint | undefined;
  isSuspended = false;
  renewals = 0;
  silentSinceMs = 0;
  /** Stands in the queue of the created for a watcher that does not wait any more. */
  readonly isGhost: boolean;
  readonly #request: WatcherRequest;
  readonly #sink: WatcherSink;
  readonly #patience: Patience;
  #next: bigint;
  #isStarted = false;
  #isConnected = false;
  #fragments: Event[] = [];

  /** @param start the first revision that is wanted; 0n: what comes after the watch was created. */
  constructor(request: WatcherRequest, start: bigint, sink: WatcherSink, patience: Patience, isGhost = false) {
    this.#request = request;
    this.#sink = sink;
    this.#patience = patience;
    this.#next = start;
    this.isGhost = isGhost;
  }

  /** The first revision that has not been delivered; 0n while that is not known. */
  get nextRevision(): bigint {
    return this.#next;
  }

  get isFull(): boolean {
    return this.#sink.isFull;
  }

  ghost(): Watcher {
    return new Watcher(this.#request, this.#next, this.#sink, this.#patience, true);
  }

  createRequest(): WatchCreateRequest {
    return createRequestCodec.create({ ...this.#request, startRevision: this.#next });
  }

  created(revision: bigint): void {
    // From now on the beginning is fixed: what happens between here and a first event must not be lost with the stream.
    if (this.#next === 0n) this.#next = revision + 1n;
    this.#isConnected = true;
    this.renewals = 0;
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#sink.started(revision);
  }

  /** @param isPart more of the same answer follows: nothing is delivered until it is whole. */
  receive(events: readonly Event[], part: { readonly header: Header; readonly isPart: boolean }): void {
    for (const event of events) {
      if ((event.kv?.modRevision ?? 0n) >= this.#next) this.#fragments.push(event);
    }
    if (part.isPart || this.#fragments.length === 0) return;
    const whole = this.#fragments;
    this.#fragments = [];
    // All events of a revision come in one answer, so the next one is the first that can be missing.
    this.#next = (whole[whole.length - 1]?.kv?.modRevision ?? 0n) + 1n;
    this.#sink.batch(whole, part.header);
  }

  /** The member says that this watcher has everything up to the header's revision. */
  progress(header: Header): void {
    if (header.revision >= this.#next) this.#next = header.revision + 1n;
    this.notifyProgress(header);
  }

  notifyProgress(header: Header): void {
    if (this.#request.progressNotify) this.#sink.batch([], header);
  }

  broken(nowMs: number): void {
    this.id = undefined;
    this.forgetFragments();
    if (this.#isConnected) this.silentSinceMs = nowMs;
    this.#isConnected = false;
  }

  /** Part of an answer without the rest is worth nothing: it comes again. */
  forgetFragments(): void {
    this.#fragments = [];
  }

  hasWaitedTooLong(nowMs: number): boolean {
    const patienceMs = this.#isStarted ? this.#patience.toGoOnMs : this.#patience.toStartMs;
    return nowMs - this.silentSinceMs >= patienceMs;
  }

  fail(error: ClientError): void {
    this.#sink.failed(error);
  }
}
