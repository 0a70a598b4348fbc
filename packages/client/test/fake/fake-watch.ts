import { Event_EventType, type Event, type WatchCreateRequest, WatchRequest, WatchResponse } from "@quorate/proto";
import { type FakeStore, isIn, Refusal } from "./fake-store.js";

/** The member's side of one Watch stream. */
export class FakeWatchStream {
  readonly #store: FakeStore;
  readonly #send: (bytes: Uint8Array) => void;
  readonly #watchers = new Map<bigint, { request: WatchCreateRequest; next: bigint }>();
  readonly #unlisten: () => void;
  /** Splits every answer of more than one event when the watch allows it. */
  readonly #splits: boolean;
  #nextId = 0n;

  constructor(store: FakeStore, send: (bytes: Uint8Array) => void, splits: boolean) {
    this.#store = store;
    this.#send = send;
    this.#splits = splits;
    this.#unlisten = store.listen((events) => {
      for (const [id, watcher] of this.#watchers) this.#deliver(id, watcher, events);
    });
  }

  get size(): number {
    return this.#watchers.size;
  }

  receive(bytes: Uint8Array, checkToken: () => void): void {
    const union = WatchRequest.decode(bytes).requestUnion;
    if (union?.kind === "createRequest") this.#create(union.value, checkToken);
    if (union?.kind === "cancelRequest" && this.#watchers.delete(union.value.watchId)) {
      this.#answer({ watchId: union.value.watchId, canceled: true });
    }
    if (union?.kind === "progressRequest" && this.#watchers.size > 0) this.#answer({ watchId: -1n });
  }

  /** A periodic notice that everything has been delivered. */
  progress(): void {
    for (const [id, { request }] of this.#watchers) {
      if (request.progressNotify) this.#answer({ watchId: id });
    }
  }

  close(): void {
    this.#unlisten();
    this.#watchers.clear();
  }

  #create(request: WatchCreateRequest, checkToken: () => void): void {
    try {
      checkToken();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const cancelReason = `rpc error: code = Unauthenticated desc = ${error.message}`;
      this.#answer({ watchId: -1n, created: true, canceled: true, cancelReason });
      return;
    }
    const isOpenEnd = request.rangeEnd.length === 1 && request.rangeEnd[0] === 0;
    if (request.rangeEnd.length > 0 && !isOpenEnd && Buffer.compare(request.key, request.rangeEnd) >= 0) {
      const cancelReason = "mvcc: watcher range is empty";
      this.#answer({ watchId: -1n, created: true, canceled: true, cancelReason });
      return;
    }
    const id = this.#nextId++;
    this.#answer({ watchId: id, created: true });
    const next = request.startRevision === 0n ? this.#store.revision + 1n : request.startRevision;
    const { compactRevision } = this.#store;
    if (next < compactRevision) {
      this.#send(
        WatchResponse.encode({
          watchId: id,
          canceled: true,
          compactRevision,
          header: { ...this.#store.header, revision: 0n },
        }),
      );
      return;
    }
    const watcher = { request, next };
    this.#watchers.set(id, watcher);
    this.#deliver(id, watcher, this.#store.history);
  }

  #deliver(id: bigint, watcher: { request: WatchCreateRequest; next: bigint }, events: readonly Event[]): void {
    const { request } = watcher;
    const wanted = events.filter(({ kv, type }) => {
      if (kv === undefined || kv.modRevision < watcher.next || !isIn(kv.key, request)) return false;
      return !request.filters.includes(type === Event_EventType.PUT ? 0 : 1);
    });
    const last = events.at(-1)?.kv?.modRevision ?? 0n;
    if (last >= watcher.next) watcher.next = last + 1n;
    if (wanted.length === 0) return;
    const shown = wanted.map((event) => (request.prevKv ? event : { ...event, prevKv: undefined }));
    if (!this.#splits || !request.fragment) return this.#answer({ watchId: id, events: shown });
    for (const [index, event] of shown.entries()) {
      this.#answer({ watchId: id, events: [event], fragment: index + 1 < shown.length });
    }
  }

  #answer(response: Partial<WatchResponse>): void {
    this.#send(WatchResponse.encode({ header: this.#store.header, ...response }));
  }
}
