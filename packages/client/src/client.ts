import { type Tracer, trace } from "@opentelemetry/api";
import { Auth } from "./admin/auth.js";
import { Cluster } from "./admin/cluster.js";
import { Maintenance } from "./admin/maintenance.js";
import type { CallOptions, StreamOptions, WriteRetry } from "./call-options.js";
import { authenticateBy, Caller, decodeAnswer } from "./caller.js";
import { ClientError, closedError } from "./client-error.js";
import { type Backoff, type Clock, systemClock } from "./clock.js";
import { type Bytes, bytes, text } from "./codec.js";
import { Election } from "./concurrency/election.js";
import { acquireLock, type Lock, type LockOptions } from "./concurrency/lock.js";
import { runStm, type StmOptions, type StmView } from "./concurrency/stm.js";
import type { LinePorts } from "./concurrency/queue.js";
import { type Endpoint, parseEndpoint } from "./endpoint.js";
import { EndpointSet, type EndpointState } from "./endpoint-set.js";
import type { KeepAlivePings, TlsOptions } from "./grpc/channel-options.js";
import { createGrpcTransport } from "./grpc/grpc-transport.js";
import type { Codecs } from "./kv/entry.js";
import { Keyspace } from "./kv/keyspace.js";
import type { Operation } from "./kv/operation.js";
import { commitTxn, type Txn, type TxnResult } from "./kv/txn.js";
import { Leases } from "./lease/leases.js";
import type { Rpc, StreamRpc } from "./rpc.js";
import { readStream } from "./server-stream.js";
import { type Credentials, TokenSource } from "./token-source.js";
import type { Transport } from "./transport.js";
import { WatchHub } from "./watch/watch-hub.js";

/** Settings of a client. */
export type ClientOptions = {
  /** "http://host:2379", "https://host:2379", "unix:///path", "unixs:///path", or "host:2379". */
  readonly endpoints: string | readonly string[];
  /** For https and unixs; addresses without a scheme are then https, too. */
  readonly tls?: TlsOptions | undefined;
  /** User and password, or a token. */
  readonly credentials?: Credentials | undefined;
  /** For each call that does not say otherwise, repetitions included. Default 15,000. */
  readonly timeoutMs?: number | undefined;
  /** How long one attempt waits for a connection before another endpoint is asked. Default 2,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Default "unsent". */
  readonly retryWrites?: WriteRetry | undefined;
  /** Attempts of one call. Default 12. */
  readonly attemptsMax?: number | undefined;
  /** Waits between them, and before a broken stream is opened again. Default: from 50 ms to 1,000 ms. */
  readonly retryBackoff?: Backoff | undefined;
  /** Refuses to be served by members that know no leader; streams leave them. Default false. */
  readonly hasLeader?: boolean | undefined;
  /** Signs of life while something is open, so that a dead connection is noticed. Default: every 10 s, answered within 5 s. */
  readonly pings?: KeepAlivePings | "off" | undefined;
};

/** What a client needs of the world; the defaults are the real ones. */
export type ClientPorts = {
  readonly tracer?: Tracer | undefined;
  readonly clock?: Clock | undefined;
  /** From 0 to 1. */
  readonly random?: (() => number) | undefined;
  /** Makes the transport of an endpoint. Default: gRPC. */
  readonly transport?: ((endpoint: Endpoint) => Transport) | undefined;
};

const defaultPings: KeepAlivePings = { everyMs: 10_000, timeoutMs: 5_000 };
const defaultBackoff: Backoff = { firstMs: 50, maxMs: 1_000 };

/**
 * A client of a cluster. Nothing is connected before the first call.
 * @throws ClientError "client/bad-endpoint", "client/bad-option"
 */
export function createClient(options: ClientOptions, ports: ClientPorts = {}): Client {
  return new Client(options, ports);
}

/** Made by `createClient`. */
export class Client implements AsyncDisposable {
  /** Keys and values as text. */
  readonly text: Keyspace<string, string>;
  /** Keys and values as bytes. */
  readonly bytes: Keyspace<Uint8Array, Uint8Array>;
  readonly leases: Leases;
  readonly cluster: Cluster;
  readonly maintenance: Maintenance;
  readonly auth: Auth;
  readonly #caller: Caller;
  readonly #ports: LinePorts;
  readonly #endpoints: EndpointSet;
  readonly #tls: TlsOptions | undefined;
  /** One stream for all watches that want the same of it. */
  readonly #hubs = new Map<string, WatchHub>();

  /** @internal */
  constructor(options: ClientOptions, ports: ClientPorts) {
    const clock = ports.clock ?? systemClock;
    this.#tls = options.tls;
    const open = ports.transport ?? ((endpoint: Endpoint) => createGrpcTransport(endpoint, transportOptions(options)));
    this.#endpoints = new EndpointSet(this.#parse(options.endpoints), { open, clock });
    const tokens = new TokenSource(
      options.credentials,
      authenticateBy(() => this.#caller),
    );
    this.#caller = new Caller(
      {
        timeoutMs: options.timeoutMs ?? 15_000,
        retryWrites: options.retryWrites ?? "unsent",
        retryBackoff: options.retryBackoff ?? defaultBackoff,
        attemptsMax: options.attemptsMax ?? 12,
        hasLeader: options.hasLeader ?? false,
      },
      {
        endpoints: this.#endpoints,
        tokens,
        clock,
        random: ports.random ?? Math.random,
        tracer: ports.tracer ?? trace.getTracer("@quorate/client"),
      },
    );
    this.leases = new Leases(this.#caller);
    this.#ports = { caller: this.#caller, leases: this.leases, hubFor: (wanted) => this.#hubFor(wanted) };
    this.cluster = new Cluster(this.#caller);
    this.maintenance = new Maintenance(this.#caller);
    this.auth = new Auth(this.#caller);
    this.text = this.keyspace({ key: text, value: text });
    this.bytes = this.keyspace({ key: bytes, value: bytes });
  }

  /** The store seen through codecs. */
  keyspace<K, V>(codecs: Codecs<K, V>): Keyspace<K, V> {
    return new Keyspace(codecs, this.#ports);
  }

  /**
   * Carries out a transaction: if all conditions hold, the one list, else the other, as one step. Operations and conditions may come
   * from several keyspaces.
   * @throws ClientError
   */
  txn<
    const Success extends readonly Operation<unknown>[] = [],
    const Failure extends readonly Operation<unknown>[] = [],
  >(txn: Txn<Success, Failure>, options: CallOptions = {}): Promise<TxnResult<Success, Failure>> {
    return commitTxn(this.#caller, txn, options);
  }

  /**
   * Runs a block of reads and writes as one transaction, again if others interfere.
   * @throws ClientError "client/conflict"
   */
  transact<T>(block: (view: StmView) => Promise<T> | T, options: StmOptions = {}): Promise<T> {
    return runStm(this.#caller, block, options);
  }

  /** Any method with one request and one answer, as messages of `@quorate/proto`; see `rpcs`. @throws ClientError */
  call<Request, Answer>(rpc: Rpc<Request, Answer>, request: Partial<Request>, options?: CallOptions): Promise<Answer> {
    return this.#caller.call(rpc, request, options);
  }

  /**
   * Any method that answers with many messages, as they are on the wire; see `streamRpcs`. It begins again only before the first
   * message. Leaving the loop ends it.
   * @throws ClientError
   */
  async *stream<Request, Answer>(
    rpc: StreamRpc<Request, Answer>,
    request: Partial<Request>,
    options: StreamOptions = {},
  ): AsyncGenerator<Answer, void, undefined> {
    const message = rpc.request.encode(request);
    for await (const bytes of readStream(this.#caller, { path: rpc.path, message, kind: "server" }, options)) {
      yield decodeAnswer(rpc, bytes);
    }
  }

  /** Waits for the lock of this name. @throws ClientError "client/aborted", "client/lock-lost" */
  lock(name: Bytes, options: LockOptions = {}): Promise<Lock> {
    return acquireLock(this.#ports, name, options);
  }

  /** The election of this name. */
  election(name: Bytes): Election {
    return new Election(this.#ports, name);
  }

  /** How the endpoints have done. */
  endpoints(): EndpointState[] {
    return this.#endpoints.states();
  }

  /** Uses these endpoints from now on. What runs over one that is gone is cut, and goes on elsewhere. @throws ClientError */
  setEndpoints(endpoints: string | readonly string[]): void {
    this.#endpoints.replace(this.#parse(endpoints));
  }

  /** Uses all members that have published where they listen. @throws ClientError */
  async syncEndpoints(options: CallOptions = {}): Promise<void> {
    const { members } = await this.cluster.members(options);
    const urls = members.filter((member) => !member.isLearner).flatMap((member) => member.clientUrls);
    if (urls.length > 0) this.setEndpoints(urls);
  }

  /** Ends everything: calls and watches fail with "client/closed", held leases are lost with it. Leases are not revoked. */
  close(): void {
    if (this.#caller.isClosed) return;
    this.#caller.close();
    for (const hub of this.#hubs.values()) hub.close(closedError());
    this.leases.close(closedError());
    this.#endpoints.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #parse(endpoints: string | readonly string[]): Endpoint[] {
    const urls = typeof endpoints === "string" ? endpoints.split(",").map((url) => url.trim()) : endpoints;
    return urls.map((url) => {
      const endpoint = parseEndpoint(url, this.#tls !== undefined);
      if (endpoint.isTls || this.#tls === undefined) return endpoint;
      const message = `"${url}" is not encrypted, but TLS settings are given: use https, or leave them out`;
      throw new ClientError({ code: "client/bad-option", message });
    });
  }

  #hubFor(options: StreamOptions): WatchHub {
    if (this.#caller.isClosed) throw closedError();
    const { endpoint, hasLeader, metadata } = options;
    const name = JSON.stringify([endpoint, hasLeader, metadata]);
    const hub = this.#hubs.get(name) ?? new WatchHub(this.#caller, { endpoint, hasLeader, metadata });
    this.#hubs.set(name, hub);
    return hub;
  }
}

function transportOptions(options: ClientOptions) {
  return {
    tls: options.tls,
    pings: options.pings === "off" ? undefined : (options.pings ?? defaultPings),
    connectTimeoutMs: options.connectTimeoutMs ?? 2_000,
  };
}
