import type { CallOptions } from "../call-options.js";
import type { Caller } from "../caller.js";
import { rpcs } from "../rpc.js";
import type { Span } from "../span.js";
import { Watch, type WatchOptions } from "../watch/watch.js";
import type { WatchHub } from "../watch/watch-hub.js";
import { Comparisons } from "./comparison.js";
import type { Codecs, Entry } from "./entry.js";
import {
  type DeleteOptions,
  type DeleteResult,
  deleteRequest,
  deleteResult,
  Operations,
  type PutOptions,
  type PutResult,
  putRequest,
  putResult,
  type ReadOptions,
  type ReadResult,
  rangeRequest,
  readResult,
  touchRequest,
} from "./operation.js";
import { type Page, type PageOptions, readPages, streamEntries } from "./pages.js";

/** What a keyspace needs of its client. */
export type KeyspacePorts = { readonly caller: Caller; readonly hubFor: (options: WatchOptions) => WatchHub };

/** The store seen through codecs for its keys and values. */
export class Keyspace<K, V> {
  /** Steps for transactions. */
  readonly op: Operations<K, V>;
  /** Conditions for transactions. */
  readonly compare: Comparisons<K, V>;
  readonly #codecs: Codecs<K, V>;
  readonly #ports: KeyspacePorts;

  constructor(codecs: Codecs<K, V>, ports: KeyspacePorts) {
    this.#codecs = codecs;
    this.#ports = ports;
    this.op = new Operations(codecs);
    this.compare = new Comparisons(codecs);
  }

  /** The key as the store has it. */
  keyBytes(key: K): Uint8Array {
    return this.#codecs.key.encode(key);
  }

  /** One key; `undefined` if it is not there. @throws ClientError */
  async get(
    key: K,
    options: CallOptions & Pick<ReadOptions, "revision" | "serializable" | "keysOnly"> = {},
  ): Promise<Entry<K, V> | undefined> {
    return (await this.read(key, options)).entries[0];
  }

  /** A key or a span in one answer, with everything that etcd's Range says. For large spans: `pages`. @throws ClientError */
  async read(target: K | Span<K>, options: CallOptions & ReadOptions = {}): Promise<ReadResult<K, V>> {
    const request = rangeRequest(target, options, this.#codecs);
    return readResult(await this.#ports.caller.call(rpcs.range, request, options), this.#codecs);
  }

  /** How many keys there are. @throws ClientError */
  async count(
    target: K | Span<K>,
    options: CallOptions & Pick<ReadOptions, "revision" | "serializable"> = {},
  ): Promise<bigint> {
    return (await this.read(target, { ...options, countOnly: true })).count;
  }

  /** @throws ClientError */
  async put(key: K, value: V, options: CallOptions & PutOptions = {}): Promise<PutResult<K, V>> {
    const request = putRequest(key, value, options, this.#codecs);
    return putResult(await this.#ports.caller.call(rpcs.put, request, options), this.#codecs);
  }

  /** Puts the value that is there already. @throws ClientError "etcd/key-not-found" */
  async touch(key: K, options: CallOptions & PutOptions = {}): Promise<PutResult<K, V>> {
    const request = touchRequest(key, options, this.#codecs);
    return putResult(await this.#ports.caller.call(rpcs.put, request, options), this.#codecs);
  }

  /** @throws ClientError */
  async delete(target: K | Span<K>, options: CallOptions & DeleteOptions = {}): Promise<DeleteResult<K, V>> {
    const request = deleteRequest(target, options, this.#codecs);
    return deleteResult(await this.#ports.caller.call(rpcs.deleteRange, request, options), this.#codecs);
  }

  /** A large range, page by page, at one revision. @throws ClientError "etcd/compacted" */
  pages(target: K | Span<K>, options: PageOptions = {}): AsyncGenerator<Page<K, V>, void, undefined> {
    return readPages(this.#ports.caller, target, options, this.#codecs);
  }

  /** A large range, entry by entry, at one revision. @throws ClientError "etcd/compacted" */
  async *entries(target: K | Span<K>, options: PageOptions = {}): AsyncGenerator<Entry<K, V>, void, undefined> {
    for await (const page of this.pages(target, options)) yield* page.entries;
  }

  /** The same, as the member streams it: one request, whatever the size. @throws ClientError "etcd/compacted" */
  stream(target: K | Span<K>, options: PageOptions = {}): AsyncGenerator<Entry<K, V>, void, undefined> {
    return streamEntries(this.#ports.caller, target, options, this.#codecs);
  }

  /** Changes as they happen. */
  watch(target: K | Span<K>, options: WatchOptions = {}): Watch<K, V> {
    const { caller, hubFor } = this.#ports;
    const ports = { hub: hubFor(options), clock: caller.ports.clock, timeoutMs: caller.timeoutMs };
    return new Watch(target, options, this.#codecs, ports);
  }
}
