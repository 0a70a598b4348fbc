import type { PlainMessage } from "../support/plain.js";
import { isInRange, type ModelChange, type ModelStore } from "./model-store.js";

export type WatchCreate = Readonly<{
  key?: string;
  rangeEnd?: string;
  startRevision?: bigint;
  progressNotify?: boolean;
  filters?: readonly number[];
  prevKv?: boolean;
  watchId?: bigint;
  fragment?: boolean;
}>;

type Watcher = Readonly<{ request: WatchCreate; id: bigint }> & { isCompacted: boolean };
/** What a stream was sent and a test has not looked at yet. */
type Stream = { readonly watchers: Map<bigint, Watcher>; nextId: bigint; sent: PlainMessage[] };

/** semantics.md, "Watch". Watchers that begin in the past have caught up before anything else happens. */
export class ModelWatches {
  readonly streams = new Map<number, Stream>();
  readonly #store: ModelStore;
  readonly #header: (revision: number) => PlainMessage;

  constructor(store: ModelStore, header: (revision: number) => PlainMessage) {
    this.#store = store;
    this.#header = header;
  }

  open(stream: number): void {
    this.streams.set(stream, { watchers: new Map(), nextId: 0n, sent: [] });
  }

  /** What was sent since the last time. */
  take(stream: number): PlainMessage[] {
    const found = this.#find(stream);
    return found.sent.splice(0);
  }

  create(stream: number, request: WatchCreate): void {
    const found = this.#find(stream);
    const { key: given = "", rangeEnd = "", startRevision = 0n, watchId = 0n } = request;
    const key = given === "" ? "\0" : given;
    const refuse = (cancelReason: string): void => {
      this.#send(found, { watchId: -1n, created: true, canceled: true, cancelReason });
    };
    if (startRevision < 0n) return refuse("etcdserver: mvcc: required revision has been compacted");
    if (rangeEnd !== "" && rangeEnd !== "\0" && key >= rangeEnd) return refuse("mvcc: watcher range is empty");
    if (watchId !== 0n && found.watchers.has(watchId)) {
      return refuse("mvcc: duplicate watch ID provided on the WatchStream");
    }
    const id = watchId === 0n ? this.#nextId(found) : watchId;
    const watcher: Watcher = { request: { ...request, key }, id, isCompacted: false };
    found.watchers.set(id, watcher);
    this.#send(found, { watchId: id, created: true });
    if (startRevision > 0n && startRevision <= BigInt(this.#store.revision)) this.#replay(found, watcher);
  }

  cancel(stream: number, id: bigint): void {
    const found = this.#find(stream);
    if (found.watchers.delete(id)) this.#send(found, { watchId: id, canceled: true });
  }

  progress(stream: number): void {
    const found = this.#find(stream);
    if (found.watchers.size === 0) return;
    for (const { request, isCompacted } of found.watchers.values()) {
      if (isCompacted || (request.startRevision ?? 0n) > BigInt(this.#store.revision)) return;
    }
    this.#send(found, { watchId: -1n });
  }

  /** One revision has become visible. */
  publish(changes: readonly ModelChange[]): void {
    for (const stream of this.streams.values()) {
      for (const watcher of stream.watchers.values()) {
        if (!watcher.isCompacted) this.#tell(stream, watcher, changes);
      }
    }
  }

  #replay(stream: Stream, watcher: Watcher): void {
    const { startRevision = 0n } = watcher.request;
    if (startRevision < BigInt(this.#store.compacted)) {
      watcher.isCompacted = true;
      const compactRevision = BigInt(this.#store.compacted);
      this.#send(stream, { watchId: watcher.id, canceled: true, compactRevision, header: this.#header(0) });
      return;
    }
    this.#tell(stream, watcher, this.#store.changes);
  }

  #tell(stream: Stream, { request, id }: Watcher, changes: readonly ModelChange[]): void {
    const { key = "", rangeEnd = "", startRevision = 0n, filters = [], prevKv = false } = request;
    const events = changes
      .filter(({ revision, kind, kv }) => {
        if (BigInt(revision) < startRevision || !isInRange(kv.key, key, rangeEnd)) return false;
        return !filters.includes(kind === "put" ? 0 : 1);
      })
      .map((change) => this.#eventOf(change, prevKv));
    if (events.length > 0) this.#send(stream, { watchId: id, events });
  }

  #eventOf({ revision, kind, kv }: ModelChange, wantsPrevious: boolean): PlainMessage {
    const event = { type: kind === "put" ? 0 : 1, kv };
    const isCreation = kind === "put" && kv.createRevision === kv.modRevision;
    if (!wantsPrevious || isCreation || revision - 1 < this.#store.compacted) return event;
    const previous = this.#store.find(kv.key, revision - 1);
    return previous === undefined ? event : { ...event, prevKv: previous };
  }

  #nextId(stream: Stream): bigint {
    while (stream.watchers.has(stream.nextId)) stream.nextId += 1n;
    stream.nextId += 1n;
    return stream.nextId - 1n;
  }

  #send(stream: Stream, message: PlainMessage): void {
    stream.sent.push({
      header: this.#header(this.#store.revision),
      created: false,
      canceled: false,
      compactRevision: 0n,
      cancelReason: "",
      fragment: false,
      events: [],
      ...message,
    });
  }

  #find(stream: number): Stream {
    const found = this.streams.get(stream);
    if (found === undefined) throw new Error(`no stream ${stream}`);
    return found;
  }
}
