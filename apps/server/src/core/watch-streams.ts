import type { Clock, Random, Revision, SpanContext, Timer } from "@quorate/common";
import type { Committed, WatchBatch, Watcher, WatchHub, WatchSink } from "@quorate/mvcc";
import { WatchRequest, type WatchCreateRequest } from "@quorate/proto";
import type { ToCore } from "./core-link.js";
import type { Delivered } from "./tracing.js";
import { noWatcher, type WatchReplies } from "./watch-reply.js";
import { planWatch } from "./watch-request.js";

/** Bytes that may be on their way to one stream before its watchers wait. */
const inFlightBytesMax = 4_194_304;
/** How soon a stream that was full is tried again, in milliseconds. */
const retryMs = 10;
/** What a message takes besides its events, at most. */
const headBytes = 64;

/** One watcher of a stream, as its client knows it. */
export type Watch = {
  readonly id: bigint;
  readonly progressNotify: boolean;
  readonly fragment: boolean;
  readonly stream: Stream;
  watcher: Watcher<Watch> | undefined;
  /** It was sent something since the last tick of progress. */
  isFresh: boolean;
};

/** A stream of a front: its watchers, and what it may still be sent. */
type Stream = {
  readonly id: number;
  readonly watches: Map<bigint, Watch>;
  readonly sink: WatchSink<Watch>;
  /** The call's span, when it is traced. */
  trace: SpanContext | undefined;
  nextId: bigint;
  inFlightBytes: number;
  /** When progress is due next, in monotonic milliseconds. */
  progressAtMs: number;
};

/** The watch streams of all fronts, and the watchers on them. */
export class WatchStreams {
  readonly #hub: WatchHub<Watch>;
  readonly #replies: WatchReplies;
  readonly #revision: () => Revision;
  readonly #send: (stream: number, parts: readonly Uint8Array[]) => void;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #progressMs: number;
  readonly #fragmentBytes: number;
  readonly #streams = new Map<number, Stream>();
  #delivered: Delivered | undefined;
  #catchUp: Timer | undefined;
  #progress: Timer | undefined;
  #isStopped = false;

  constructor(
    parts: {
      hub: WatchHub<Watch>;
      replies: WatchReplies;
      revision(): Revision;
      send(stream: number, parts: readonly Uint8Array[]): void;
    },
    options: { progressIntervalMs: number; fragmentBytes: number },
    ports: { clock: Clock; random: Random },
  ) {
    this.#hub = parts.hub;
    this.#replies = parts.replies;
    this.#revision = () => parts.revision();
    this.#send = (stream, messageParts) => parts.send(stream, messageParts);
    this.#progressMs = options.progressIntervalMs;
    this.#fragmentBytes = options.fragmentBytes;
    this.#clock = ports.clock;
    this.#random = ports.random;
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  /** What a front says. */
  take(message: Extract<ToCore, { kind: `watch-${string}` }>): void {
    switch (message.kind) {
      case "watch-open":
        return this.open(message.stream);
      case "watch-request":
        return this.request(message.stream, message.request, message.trace);
      case "watch-drained":
        return this.drained(message.stream, message.bytes);
      case "watch-close":
        return this.close(message.stream);
    }
  }

  open(id: number): void {
    const stream: Stream = {
      id,
      watches: new Map(),
      sink: {
        get isFull() {
          return stream.inFlightBytes >= inFlightBytesMax;
        },
        deliver: (watcher, batch) => this.#deliver(watcher.handle, batch),
        compacted: (watcher, revision) => this.#compacted(watcher.handle, revision),
      },
      trace: undefined,
      nextId: 0n,
      inFlightBytes: 0,
      progressAtMs: this.#nextProgress(),
    };
    this.#streams.set(id, stream);
    this.#progress ??= this.#clock.after(this.#progressMs, () => this.#tickProgress());
  }

  close(id: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#streams.delete(id);
    for (const watch of stream.watches.values()) if (watch.watcher !== undefined) this.#hub.remove(watch.watcher);
  }

  /** One message of a client. */
  request(id: number, bytes: Uint8Array, trace: SpanContext | undefined): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    stream.trace = trace;
    const union = WatchRequest.decode(bytes).requestUnion;
    switch (union?.kind) {
      case "createRequest":
        return this.#create(stream, union.value);
      case "cancelRequest":
        return this.#cancel(stream, union.value.watchId);
      case "progressRequest":
        return this.#tellProgress(stream);
      case undefined: // a kind this version does not know is ignored, as in etcd
        return;
    }
  }

  /** So much has left the front: there may be room again. */
  drained(id: number, bytes: number): void {
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    const wasFull = stream.inFlightBytes >= inFlightBytesMax;
    stream.inFlightBytes = Math.max(0, stream.inFlightBytes - bytes);
    if (wasFull && stream.inFlightBytes < inFlightBytesMax) this.#moveOn(0);
  }

  /** Watchers may have fallen behind, or begun behind: moves them on, soon. */
  #moveOn(delayMs: number): void {
    if (this.#isStopped || this.#catchUp !== undefined) return;
    this.#catchUp = this.#clock.after(delayMs, () => {
      this.#catchUp = undefined;
      const left = this.#hub.advance();
      if (left === "more") this.#moveOn(0);
      else if (left === "waiting") this.#moveOn(retryMs);
    });
  }

  /**
   * Tells the watchers what an entry has changed. Who has no room for it is moved on later.
   * @param delivered gets who was told, for an entry that is traced.
   */
  publish(committed: Committed, delivered?: Delivered): void {
    this.#delivered = delivered;
    this.#hub.publish(committed);
    this.#delivered = undefined;
    if (this.#hub.stats().slowWatchers > 0) this.#moveOn(retryMs);
  }

  /** A snapshot has taken the place of the store: watchers read what it has brought, or learn that it is compacted. */
  restored(): void {
    this.#moveOn(0);
  }

  stop(): void {
    this.#isStopped = true;
    this.#catchUp?.cancel();
    this.#progress?.cancel();
    for (const id of [...this.#streams.keys()]) this.close(id);
  }

  #create(stream: Stream, request: WatchCreateRequest): void {
    const plan = planWatch(request);
    if ("reason" in plan) return this.#refuse(stream, plan.reason);
    const id = this.#chooseId(stream, request.watchId);
    if (id === undefined) return this.#refuse(stream, "mvcc: duplicate watch ID provided on the WatchStream");
    const { progressNotify, fragment } = plan;
    const watch: Watch = { id, progressNotify, fragment, stream, watcher: undefined, isFresh: false };
    stream.watches.set(id, watch);
    this.#sendAll(stream, [this.#replies.created(id, this.#revision())]);
    watch.watcher = this.#hub.add({
      handle: watch,
      range: plan.range,
      startRevision: plan.startRevision,
      filters: { noPut: plan.noPut, noDelete: plan.noDelete },
      previous: plan.previous,
      sink: stream.sink,
    });
    // A watcher of history begins at once; etcd lets it wait for the next round of a tenth of a second.
    if (!this.#hub.isSynced(watch.watcher)) this.#moveOn(0);
  }

  #refuse(stream: Stream, reason: string): void {
    this.#sendAll(stream, [this.#replies.refused(this.#revision(), reason)]);
  }

  /** The id a client names, or the lowest that was not given away on this stream yet. Undefined when it is in use. */
  #chooseId(stream: Stream, wanted: bigint): bigint | undefined {
    if (wanted !== 0n) return stream.watches.has(wanted) ? undefined : wanted;
    while (stream.watches.has(stream.nextId)) stream.nextId++;
    return stream.nextId++;
  }

  #cancel(stream: Stream, id: bigint): void {
    const watch = stream.watches.get(id);
    if (watch === undefined) return;
    stream.watches.delete(id);
    if (watch.watcher !== undefined) this.#hub.remove(watch.watcher);
    this.#sendAll(stream, [this.#replies.canceled(id, this.#revision())]);
  }

  /** @returns false when the stream has no room: the hub offers the same events again later. */
  #deliver(watch: Watch, batch: WatchBatch): boolean {
    const { stream } = watch;
    if (stream.inFlightBytes >= inFlightBytesMax) return false;
    watch.isFresh = true;
    if (this.#delivered !== undefined) noteDelivery(this.#delivered, stream);
    const { revision } = batch;
    if (watch.fragment && batch.count > 1 && batch.byteLength + headBytes >= this.#fragmentBytes) {
      this.#sendFragments(watch, batch);
      return true;
    }
    this.#sendAll(stream, [this.#replies.head(watch.id, revision, false), batch.bytes]);
    return true;
  }

  /** Splits events over messages below the bound, at least one in each. */
  #sendFragments(watch: Watch, batch: WatchBatch): void {
    let parts: Uint8Array[] = [];
    let bytes = headBytes;
    const flush = (isFragment: boolean): void => {
      this.#sendAll(watch.stream, [this.#replies.head(watch.id, batch.revision, isFragment), ...parts]);
      parts = [];
      bytes = headBytes;
    };
    for (const event of batch.parts) {
      if (parts.length > 0 && bytes + event.length >= this.#fragmentBytes) flush(true);
      parts.push(event);
      bytes += event.length;
    }
    flush(false);
  }

  #compacted(watch: Watch, compacted: Revision): void {
    this.#sendAll(watch.stream, [this.#replies.compacted(watch.id, compacted)]);
  }

  /** One notice for the whole stream, if all its watchers have seen all there is. */
  #tellProgress(stream: Stream): void {
    if (stream.watches.size === 0) return;
    for (const watch of stream.watches.values()) if (!this.#isCaughtUp(watch)) return;
    this.#sendAll(stream, [this.#replies.progress(noWatcher, this.#revision())]);
  }

  #isCaughtUp(watch: Watch): boolean {
    return watch.watcher !== undefined && this.#hub.isSynced(watch.watcher);
  }

  #tickProgress(): void {
    const now = this.#clock.monotonicMs();
    let nextMs = this.#progressMs;
    for (const stream of this.#streams.values()) {
      if (stream.progressAtMs <= now) {
        this.#notify(stream);
        stream.progressAtMs = this.#nextProgress();
      }
      nextMs = Math.min(nextMs, stream.progressAtMs - now);
    }
    this.#progress = this.#clock.after(Math.max(1, nextMs), () => this.#tickProgress());
  }

  #notify(stream: Stream): void {
    for (const watch of stream.watches.values()) {
      if (watch.progressNotify && !watch.isFresh && this.#isCaughtUp(watch)) {
        this.#sendAll(stream, [this.#replies.progress(watch.id, this.#revision())]);
      }
      watch.isFresh = false;
    }
  }

  /** The interval and up to a tenth more, so that streams do not all speak at once. */
  #nextProgress(): number {
    const spread = this.#random.integer(0, Math.floor(this.#progressMs / 10));
    return this.#clock.monotonicMs() + this.#progressMs + spread;
  }

  #sendAll(stream: Stream, parts: readonly Uint8Array[]): void {
    for (const part of parts) stream.inFlightBytes += part.length;
    this.#send(stream.id, parts);
  }
}

function noteDelivery(delivered: Delivered, stream: Stream): void {
  delivered.watchers += 1;
  if (stream.trace !== undefined) delivered.streams.push(stream.trace);
}
