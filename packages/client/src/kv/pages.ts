import { RangeRequest, RangeStreamResponse } from "@quorate/proto";
import type { StreamOptions } from "../call-options.js";
import type { Caller } from "../caller.js";
import { ClientError } from "../client-error.js";
import { rpcs, streamPaths } from "../rpc.js";
import { readStream } from "../server-stream.js";
import type { Span } from "../span.js";
import { type Codecs, type Entry, entryOf } from "./entry.js";
import { type Header, headerOf } from "./header.js";
import { type ReadOptions, rangeRequest } from "./operation.js";

/** What can be asked of a walk over many keys. All of them are read at one revision. */
export type PageOptions = Omit<StreamOptions, "timeoutMs"> &
  Pick<ReadOptions, "revision" | "serializable" | "keysOnly"> & {
    /** Entries per request. Default 1,000. */
    readonly pageSize?: number | undefined;
    /** For each request, not for the walk. */
    readonly timeoutMs?: number | undefined;
  };

/** Neighbours in a walk. */
export type Page<K, V> = {
  readonly header: Header;
  /** The one revision of all pages. */
  readonly revision: bigint;
  readonly entries: readonly Entry<K, V>[];
  /** Keys from the first of this page to the end of the walk. */
  readonly remaining: bigint;
};

/**
 * Walks over a range page by page, in the order of the keys. The first page fixes the revision.
 * @throws ClientError "etcd/compacted" when the revision is compacted away meanwhile.
 */
export async function* readPages<K, V>(
  caller: Caller,
  target: K | Span<K>,
  options: PageOptions,
  codecs: Codecs<K, V>,
): AsyncGenerator<Page<K, V>, void, undefined> {
  const request = rangeRequest(target, { ...options, limit: options.pageSize ?? 1_000 }, codecs);
  for (;;) {
    const answer = await caller.call(rpcs.range, request, options);
    const header = headerOf(answer);
    if (request.revision <= 0n) request.revision = header.revision;
    const entries = answer.kvs.map((record) => entryOf(record, codecs));
    yield { header, revision: request.revision, entries, remaining: answer.count };
    const last = answer.kvs.at(-1);
    if (!answer.more || last === undefined) return;
    request.key = keyAfter(last.key);
  }
}

/**
 * Reads a range as the member streams it (RangeStream, new in etcd 3.7), in chunks of its own choice; members that do not know
 * the method are read page by page.
 */
export async function* streamEntries<K, V>(
  caller: Caller,
  target: K | Span<K>,
  options: PageOptions,
  codecs: Codecs<K, V>,
): AsyncGenerator<Entry<K, V>, void, undefined> {
  const message = RangeRequest.encode(rangeRequest(target, options, codecs));
  try {
    const request = { path: streamPaths.rangeStream, message, kind: "server" } as const;
    for await (const bytes of readStream(caller, request, options)) {
      const chunk = RangeStreamResponse.decode(bytes).rangeResponse;
      for (const record of chunk?.kvs ?? []) yield entryOf(record, codecs);
    }
    return;
  } catch (error) {
    // An unknown method is answered before the first message, so nothing is read twice.
    if (!(error instanceof ClientError) || error.code !== "etcd/unimplemented") throw error;
  }
  for await (const page of readPages(caller, target, options, codecs)) yield* page.entries;
}

/** The smallest key behind this one. */
function keyAfter(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}
