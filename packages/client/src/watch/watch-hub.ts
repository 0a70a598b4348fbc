import { type Event, ProtoError, WatchRequest, WatchResponse } from "@quorate/proto";
import type { StreamOptions } from "../call-options.js";
import type { Caller } from "../caller.js";
import { ClientError, errorOfReason, isTokenRefusal } from "../client-error.js";
import { type Header, headerOf } from "../kv/header.js";
import { PersistentStream } from "../persistent-stream.js";
import { streamPaths } from "../rpc.js";
import type { Watcher } from "./watcher.js";

const compactedText = "etcdserver: mvcc: required revision has been compacted";

/**
 * Watchers that share a stream. A watcher knows the revision it needs next; whenever the stream breaks, all of them are created
 * again from there on another one, so that each event is delivered once.
 */
export class WatchHub {
  readonly #caller: Caller;
  readonly #stream: PersistentStream;
  readonly #watchers = new Set<Watcher>();
  /** Created on this stream and not answered yet. Members answer in order. */
  #creating: Watcher[] = [];
  readonly #byId = new Map<bigint, Watcher>();
  #clusterId: bigint | undefined;

  constructor(caller: Caller, options: StreamOptions) {
    this.#caller = caller;
    this.#stream = new PersistentStream(caller, streamPaths.watch, options, {
      onOpen: () => this.#createAll(),
      onMessage: (message) => this.#receive(message),
      onBroken: (error, isFinal) => this.#broken(error, isFinal),
    });
  }

  /** Watchers that are not over. */
  get size(): number {
    return this.#watchers.size;
  }

  add(watcher: Watcher): void {
    watcher.silentSinceMs = this.#caller.ports.clock.nowMs();
    this.#watchers.add(watcher);
    if (this.#stream.isOpen) this.#create(watcher);
    else this.#stream.start();
  }

  /** The watcher wants no more. */
  remove(watcher: Watcher): void {
    if (!this.#watchers.delete(watcher)) return;
    this.#cancelOnStream(watcher);
    if (this.#watchers.size === 0) this.#stop();
  }

  /** The watcher's reader is too slow: the member forgets it until `resume`. */
  suspend(watcher: Watcher): void {
    watcher.isSuspended = true;
    this.#cancelOnStream(watcher);
  }

  resume(watcher: Watcher): void {
    watcher.isSuspended = false;
    if (this.#watchers.has(watcher) && this.#stream.isOpen) this.#create(watcher);
  }

  /** Asks how far the stream is; the answer goes to all watchers, and only when all of them have caught up. */
  requestProgress(): void {
    const request = WatchRequest.encode({ requestUnion: { kind: "progressRequest", value: {} } });
    if (this.#stream.isOpen) this.#stream.send(request);
  }

  /** @param error what the readers get. */
  close(error: ClientError): void {
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    this.#stop();
    for (const watcher of watchers) watcher.fail(error);
  }

  #stop(): void {
    this.#creating = [];
    this.#byId.clear();
    this.#stream.stop();
  }

  #createAll(): void {
    for (const watcher of this.#watchers) {
      if (!watcher.isSuspended) this.#create(watcher);
    }
  }

  #create(watcher: Watcher): void {
    watcher.forgetFragments();
    this.#creating.push(watcher);
    const value = watcher.createRequest();
    this.#stream.send(WatchRequest.encode({ requestUnion: { kind: "createRequest", value } }));
  }

  #cancelOnStream(watcher: Watcher): void {
    const id = watcher.id;
    if (id === undefined) {
      // Not answered yet: its place in the queue stays, and the id is given back as soon as it is known.
      const at = this.#creating.indexOf(watcher);
      if (at >= 0) this.#creating[at] = watcher.ghost();
      return;
    }
    watcher.id = undefined;
    watcher.forgetFragments();
    this.#byId.delete(id);
    this.#sendCancel(id);
  }

  #sendCancel(watchId: bigint): void {
    this.#stream.send(WatchRequest.encode({ requestUnion: { kind: "cancelRequest", value: { watchId } } }));
  }

  #receive(message: Uint8Array): void {
    let response: WatchResponse;
    try {
      response = WatchResponse.decode(message);
    } catch (error) {
      if (!(error instanceof ProtoError)) throw error;
      this.#stream.restart(this.#badAnswer("an answer is not a WatchResponse", error));
      return;
    }
    if (response.created) this.#created(response);
    else if (response.watchId === -1n && !response.canceled) this.#progressOfAll(response);
    else this.#deliver(response);
  }

  #created(response: WatchResponse): void {
    const watcher = this.#creating.shift();
    if (watcher === undefined) {
      this.#stream.restart(this.#badAnswer("a watch was created that nobody asked for"));
      return;
    }
    if (response.canceled) {
      if (!watcher.isGhost) this.#refused(watcher, response);
      return;
    }
    if (watcher.isGhost) {
      this.#sendCancel(response.watchId);
      return;
    }
    const clusterId = response.header?.clusterId ?? 0n;
    this.#clusterId ??= clusterId;
    if (clusterId !== this.#clusterId) {
      this.#sendCancel(response.watchId);
      this.#fail(watcher, otherCluster(this.#clusterId, clusterId));
      return;
    }
    this.#stream.proved();
    watcher.id = response.watchId;
    this.#byId.set(response.watchId, watcher);
    watcher.created(response.header?.revision ?? 0n);
    if (response.events.length > 0) this.#deliver(response);
  }

  #deliver(response: WatchResponse): void {
    const watcher = this.#byId.get(response.watchId);
    if (watcher === undefined) return; // cancelled by us a moment ago
    if (response.canceled) {
      this.#byId.delete(response.watchId);
      watcher.id = undefined;
      if (response.compactRevision > 0n) {
        // Members keep the id, and are silent about progress, until it is given back.
        this.#sendCancel(response.watchId);
        this.#fail(watcher, this.#compacted(watcher, response.compactRevision, headerOf(response)));
      } else this.#refused(watcher, response);
      return;
    }
    const header = headerOf(response);
    if (response.events.length === 0 && !response.fragment) watcher.progress(header);
    else watcher.receive(response.events as readonly Event[], { header, isPart: response.fragment });
    if (watcher.isFull && !watcher.isSuspended) this.suspend(watcher);
  }

  #progressOfAll(response: WatchResponse): void {
    // The resume points stay: members before 3.4.25 and 3.5.8 send this while events are still on their way.
    for (const watcher of this.#byId.values()) watcher.notifyProgress(headerOf(response));
  }

  /** A watch that a member does not want, or wants no longer, for a reason other than compaction. */
  #refused(watcher: Watcher, response: WatchResponse): void {
    const { cancelReason: reason } = response;
    const header = headerOf(response);
    const place = { method: streamPaths.watch, endpoint: this.#stream.endpoint, header };
    const error = errorOfReason(reason === "" ? "etcdserver: watch canceled" : reason, place);
    if (isTokenRefusal(error) && this.#caller.ports.tokens.canRenew && watcher.renewals < 2) {
      watcher.renewals += 1;
      this.#stream.restart(error); // the token travels with the stream
      return;
    }
    this.#fail(watcher, reason === compactedText ? this.#compacted(watcher, undefined, header) : error);
  }

  #broken(error: ClientError, isFinal: boolean): void {
    this.#creating = [];
    this.#byId.clear();
    const nowMs = this.#caller.ports.clock.nowMs();
    for (const watcher of [...this.#watchers]) {
      watcher.broken(nowMs);
      if (isFinal || watcher.hasWaitedTooLong(nowMs)) this.#fail(watcher, error);
    }
  }

  #fail(watcher: Watcher, error: ClientError): void {
    if (!this.#watchers.delete(watcher)) return;
    if (this.#watchers.size === 0) this.#stop();
    watcher.fail(error);
  }

  #compacted(watcher: Watcher, compactRevision: bigint | undefined, header: Header): ClientError {
    const at = compactRevision === undefined ? "" : `; the oldest left is ${compactRevision}`;
    return new ClientError({
      code: "etcd/compacted",
      message: `events from revision ${watcher.nextRevision} on are needed and were compacted away${at}`,
      status: 11,
      method: streamPaths.watch,
      endpoint: this.#stream.endpoint,
      compactRevision,
      header,
    });
  }

  #badAnswer(message: string, cause?: unknown): ClientError {
    const endpoint = this.#stream.endpoint;
    return new ClientError({ code: "client/bad-answer", message, method: streamPaths.watch, endpoint, cause });
  }
}

function otherCluster(before: bigint, now: bigint): ClientError {
  return new ClientError({
    code: "client/other-cluster",
    message: `the watch began in cluster ${before.toString(16)} and would go on in ${now.toString(16)}: revisions do not match`,
    method: streamPaths.watch,
  });
}
