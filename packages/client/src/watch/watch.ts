import { type Event, Event_EventType, WatchCreateRequest_FilterType } from "@quorate/proto";
import { AsyncQueue } from "../async-queue.js";
import type { StreamOptions } from "../call-options.js";
import { abortedError, ClientError } from "../client-error.js";
import type { Clock } from "../clock.js";
import { type Codecs, decodeKey, type Entry, entryOf } from "../kv/entry.js";
import type { Header } from "../kv/header.js";
import { streamPaths } from "../rpc.js";
import { type Span, wireRange } from "../span.js";
import { StatusCode } from "../status-code.js";
import type { WatchHub } from "./watch-hub.js";
import { Watcher, type WatcherSink } from "./watcher.js";

/** What can be asked of a watch. `timeoutMs` ends it, with "client/deadline". */
export type WatchOptions = StreamOptions & {
  /** Begins with the events of this revision. Default: what comes from now on. */
  readonly startRevision?: bigint | undefined;
  /** Gives the entry before each event, as long as it is not compacted away. */
  readonly previous?: boolean | undefined;
  /** Leaves out the events of the other kind. */
  readonly only?: "put" | "delete" | undefined;
  /** Also gives batches without events now and then: everything up to their revision has been delivered. */
  readonly progress?: boolean | undefined;
  /** Fails after so long without a member. Default: never, once it has begun; before that, the client's time for a call. */
  readonly giveUpAfterMs?: number | undefined;
  /** So many events wait for a slow reader; further ones wait in the member's history. Default 10,000. */
  readonly bufferedEventsMax?: number | undefined;
  /** Lets members split answers that are larger than one request may be. They are put together again here. */
  readonly fragment?: boolean | undefined;
};

/** One change of one key. */
export type WatchEvent<K, V> =
  | {
      readonly type: "put";
      readonly key: K;
      readonly revision: bigint;
      /** Whether the key was not there before. */
      readonly isCreate: boolean;
      readonly entry: Entry<K, V>;
      readonly previous: Entry<K, V> | undefined;
    }
  | {
      readonly type: "delete";
      readonly key: K;
      readonly revision: bigint;
      readonly previous: Entry<K, V> | undefined;
    };

/** Events that came together: one or more whole revisions, in order. */
export type WatchBatch<K, V> = {
  readonly events: readonly WatchEvent<K, V>[];
  /** Who sent it, and the store's revision then. */
  readonly header: Header;
};

type RawBatch = { readonly events: readonly Event[]; readonly header: Header; readonly next: bigint };

/** What a watch needs of its client. */
export type WatchPorts = { readonly hub: WatchHub; readonly clock: Clock; readonly timeoutMs: number };

/**
 * Changes as they happen: an async iterable to be read once, event by event or by `batches`. It goes on over broken connections,
 * on other members too, with no event missing and none twice. It ends when it is cancelled; what it cannot overcome it throws, a
 * compaction among it ("etcd/compacted", with `compactRevision`).
 */
export class Watch<K, V> implements AsyncIterable<WatchEvent<K, V>>, AsyncDisposable {
  /** The store's revision when the watch began. Rejects when it never did. */
  readonly ready: Promise<bigint>;
  readonly #started = { resolve: (_revision: bigint): void => {}, reject: (_error: ClientError): void => {} };
  readonly #codecs: Codecs<K, V>;
  readonly #ports: WatchPorts;
  readonly #watcher: Watcher;
  readonly #queue: AsyncQueue<RawBatch>;
  readonly #signal: AbortSignal | undefined;
  readonly #abort: () => void;
  readonly #timer: { cancel(): void } | undefined;
  #waiting = 0;
  #resumeRevision: bigint;

  constructor(target: K | Span<K>, options: WatchOptions, codecs: Codecs<K, V>, ports: WatchPorts) {
    this.#codecs = codecs;
    this.#ports = ports;
    this.#resumeRevision = options.startRevision ?? 0n;
    this.#signal = options.signal;
    const waitingMax = options.bufferedEventsMax ?? 10_000;
    this.ready = new Promise((resolve, reject) => Object.assign(this.#started, { resolve, reject }));
    this.ready.catch(() => {}); // the reader gets the same error; who does not wait for the beginning need not handle it twice
    this.#queue = new AsyncQueue({
      onRead: (batch) => this.#afterRead(batch, waitingMax),
      onReturn: () => this.cancel(),
    });
    const isFull = () => this.#waiting > waitingMax;
    const sink: WatcherSink = {
      started: (revision) => {
        if (this.#resumeRevision === 0n) this.#resumeRevision = revision + 1n;
        this.#started.resolve(revision);
      },
      batch: (events, header) => {
        this.#waiting += events.length;
        this.#queue.push({ events, header, next: this.#watcher.nextRevision });
      },
      failed: (error) => {
        this.#started.reject(error);
        this.#end(error);
      },
      get isFull() {
        return isFull();
      },
    };
    this.#watcher = new Watcher(watcherRequest(target, options, codecs), this.#resumeRevision, sink, {
      toStartMs: Math.min(options.giveUpAfterMs ?? Number.POSITIVE_INFINITY, ports.timeoutMs),
      toGoOnMs: options.giveUpAfterMs ?? Number.POSITIVE_INFINITY,
    });
    this.#abort = () => this.#stop(abortedError(options.signal as AbortSignal, { method: streamPaths.watch }, false));
    const { timeoutMs } = options;
    this.#timer =
      timeoutMs === undefined || !Number.isFinite(timeoutMs)
        ? undefined
        : ports.clock.after(timeoutMs, () => this.#stop(deadlineError()));
    options.signal?.addEventListener("abort", this.#abort, { once: true });
    if (options.signal?.aborted === true)
      sink.failed(abortedError(options.signal, { method: streamPaths.watch }, false));
    else ports.hub.add(this.#watcher);
  }

  /** Where to go on after what has been read: the `startRevision` of a later watch. 0n while the watch has not begun. */
  get resumeRevision(): bigint {
    return this.#resumeRevision;
  }

  /** Ends the watch. Loops that read it end after what has come already. */
  cancel(): void {
    this.#ports.hub.remove(this.#watcher);
    this.#end(undefined);
    this.#started.reject(
      new ClientError({ code: "client/aborted", message: "the watch was cancelled before it began" }),
    );
  }

  /** Asks for a batch without events when everything has been delivered; see `progress`. */
  requestProgress(): void {
    this.#ports.hub.requestProgress();
  }

  /** @throws ClientError */
  async *batches(): AsyncGenerator<WatchBatch<K, V>, void, undefined> {
    for await (const { events, header, next } of this.#queue) {
      yield { events: events.map((event) => eventOf(event, this.#codecs)), header };
      this.#resumeRevision = next;
    }
  }

  /** @throws ClientError */
  async *[Symbol.asyncIterator](): AsyncGenerator<WatchEvent<K, V>, void, undefined> {
    for await (const batch of this.batches()) yield* batch.events;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cancel();
  }

  #afterRead(batch: RawBatch, waitingMax: number): void {
    this.#waiting -= batch.events.length;
    if (this.#watcher.isSuspended && this.#waiting <= waitingMax / 2) this.#ports.hub.resume(this.#watcher);
  }

  #stop(error: ClientError): void {
    this.#ports.hub.remove(this.#watcher);
    this.#watcher.fail(error);
  }

  #end(error: ClientError | undefined): void {
    this.#signal?.removeEventListener("abort", this.#abort);
    this.#timer?.cancel();
    this.#queue.finish(error);
  }
}

function watcherRequest<K, V>(target: K | Span<K>, options: WatchOptions, codecs: Codecs<K, V>) {
  const filters: number[] = [];
  if (options.only === "delete") filters.push(WatchCreateRequest_FilterType.NOPUT);
  if (options.only === "put") filters.push(WatchCreateRequest_FilterType.NODELETE);
  return {
    ...wireRange(target, codecs.key),
    filters,
    prevKv: options.previous ?? false,
    progressNotify: options.progress ?? false,
    fragment: options.fragment ?? false,
  };
}

function eventOf<K, V>(event: Event, codecs: Codecs<K, V>): WatchEvent<K, V> {
  const record = event.kv;
  if (record === undefined) {
    throw new ClientError({ code: "client/bad-answer", message: "an event has no key", method: streamPaths.watch });
  }
  const previous = event.prevKv === undefined ? undefined : entryOf(event.prevKv, codecs);
  const revision = record.modRevision;
  if (event.type === Event_EventType.DELETE) {
    return { type: "delete", key: decodeKey(record.key, codecs), revision, previous };
  }
  const entry = entryOf(record, codecs);
  return { type: "put", key: entry.key, revision, isCreate: record.version === 1n, entry, previous };
}

function deadlineError(): ClientError {
  return new ClientError({
    code: "client/deadline",
    message: "the time of the watch is over",
    status: StatusCode.DeadlineExceeded,
    method: streamPaths.watch,
  });
}
