import { Metadata, type sendUnaryData, Server, ServerCredentials, type ServerDuplexStream } from "@grpc/grpc-js";
import type { ServerUnaryCall, ServerWritableStream, UntypedServiceImplementation } from "@grpc/grpc-js";
import {
  CompactionRequest,
  LeaseGrantRequest,
  LeaseKeepAliveRequest,
  LeaseKeepAliveResponse,
  LeaseRevokeRequest,
  LeaseTimeToLiveRequest,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  services,
  TxnRequest,
  AuthenticateRequest,
  codecOf,
} from "@quorate/proto";
import { FakeStore, Refusal } from "./fake-store.js";
import { FakeWatchStream } from "./fake-watch.js";

/** Answers one call: with a message or bytes that should be one, a refusal (thrown), or not at all ("silent"). */
export type Handler = (message: Uint8Array, metadata: Metadata) => object | "silent";

/** Certificates of a member that speaks TLS. */
export type FakeTls = { readonly cert: Buffer; readonly key: Buffer; readonly ca?: Buffer };

type Unary = ServerUnaryCall<Buffer, Buffer>;
type Writable = ServerWritableStream<Buffer, Buffer>;
type Duplex = ServerDuplexStream<Buffer, Buffer>;

/** A member in this process: a real gRPC server on a free port, over a store without disk or clock. */
export class FakeMember implements AsyncDisposable {
  readonly store: FakeStore;
  readonly port: number;
  readonly calls: { readonly path: string; readonly metadata: Metadata }[] = [];
  /** Replace answers, by path. */
  readonly handlers = new Map<string, Handler>();
  /** Replace streams from the member, by path: the messages, then a refusal perhaps. */
  readonly streams = new Map<string, (message: Uint8Array) => Iterable<object>>();
  readonly watchStreams = new Set<FakeWatchStream>();
  /** Who may come in; `undefined`: authentication is off. */
  password: string | undefined;
  validToken = "token-0";
  splitsWatchAnswers = false;
  answersKeepAlives = true;
  readonly #server: Server;

  private constructor(store: FakeStore, server: Server, port: number) {
    this.store = store;
    this.#server = server;
    this.port = port;
  }

  static async start(options: { store?: FakeStore; tls?: FakeTls; port?: number } = {}): Promise<FakeMember> {
    const server = new Server({ "grpc.max_receive_message_length": -1 });
    const { tls } = options;
    const credentials =
      tls === undefined
        ? ServerCredentials.createInsecure()
        : ServerCredentials.createSsl(
            tls.ca ?? null,
            [{ cert_chain: tls.cert, private_key: tls.key }],
            tls.ca !== undefined,
          );
    const holder: { member?: FakeMember } = {};
    for (const service of services.values()) {
      const implementation: UntypedServiceImplementation = {};
      const definition: Record<string, object> = {};
      for (const method of service.methods) {
        const identity = (bytes: Buffer) => bytes;
        definition[method.name] = {
          path: method.path,
          requestStream: method.clientStreaming,
          responseStream: method.serverStreaming,
          requestSerialize: identity,
          requestDeserialize: identity,
          responseSerialize: identity,
          responseDeserialize: identity,
        };
        const member = () => holder.member as FakeMember;
        implementation[method.name] = method.clientStreaming
          ? (call: Duplex) => member().#duplex(method.path, call)
          : method.serverStreaming
            ? (call: Writable) => member().#stream(method.path, method.response, call)
            : (call: Unary, reply: sendUnaryData<Buffer>) => member().#unary(method.path, method.response, call, reply);
      }
      server.addService(definition as Parameters<Server["addService"]>[0], implementation);
    }
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`127.0.0.1:${options.port ?? 0}`, credentials, (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    holder.member = new FakeMember(options.store ?? new FakeStore(), server, port);
    return holder.member;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** How often a method was called. */
  count(path: string): number {
    return this.calls.filter((call) => call.path === path).length;
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
  }

  #unary(path: string, response: string, call: Unary, reply: sendUnaryData<Buffer>): void {
    this.calls.push({ path, metadata: call.metadata });
    try {
      const handler = this.handlers.get(path) ?? this.#handlerOf(path);
      const answer = handler(call.request, call.metadata);
      if (answer instanceof Uint8Array) reply(null, Buffer.from(answer));
      else if (answer !== "silent") reply(null, Buffer.from(codecOf(response).encode(answer)));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      reply({ code: error.status, details: error.message, metadata: new Metadata() });
    }
  }

  #handlerOf(path: string): Handler {
    const { store } = this;
    const checked =
      (run: (message: Uint8Array) => object): Handler =>
      (message, metadata) => {
        this.#checkToken(metadata);
        return run(message);
      };
    switch (path) {
      case "/etcdserverpb.KV/Range":
        return checked((message) => store.range(RangeRequest.decode(message)));
      case "/etcdserverpb.KV/Put":
        return checked((message) => store.put(PutRequest.decode(message)));
      case "/etcdserverpb.KV/DeleteRange":
        return checked((message) => store.deleteRange(DeleteRangeRequest.decode(message)));
      case "/etcdserverpb.KV/Txn":
        return checked((message) => store.txn(TxnRequest.decode(message)));
      case "/etcdserverpb.KV/Compact":
        return checked((message) => {
          store.compact(CompactionRequest.decode(message).revision);
          return { header: store.header };
        });
      case "/etcdserverpb.Lease/LeaseGrant":
        return checked((message) => {
          const { ID, TTL } = LeaseGrantRequest.decode(message);
          return { header: store.header, ID: store.grant(TTL, ID), TTL };
        });
      case "/etcdserverpb.Lease/LeaseRevoke":
        return checked((message) => {
          store.revoke(LeaseRevokeRequest.decode(message).ID);
          return { header: store.header };
        });
      case "/etcdserverpb.Lease/LeaseTimeToLive":
        return checked((message) => {
          const { ID } = LeaseTimeToLiveRequest.decode(message);
          const lease = store.leases.get(ID);
          const keys = [...(lease?.keys ?? [])].map((key) => Buffer.from(key, "latin1"));
          return { header: store.header, ID, TTL: lease?.ttlSeconds ?? -1n, grantedTTL: lease?.ttlSeconds ?? 0n, keys };
        });
      case "/etcdserverpb.Auth/Authenticate":
        return (message) => this.#authenticate(AuthenticateRequest.decode(message));
      default:
        return () => {
          throw new Refusal(12, `unknown method ${path}`);
        };
    }
  }

  #authenticate({ password }: AuthenticateRequest): object {
    if (this.password === undefined) throw new Refusal(9, "etcdserver: authentication is not enabled");
    if (password === this.password) return { header: this.store.header, token: this.validToken };
    throw new Refusal(3, "etcdserver: authentication failed, invalid user ID or password");
  }

  #checkToken(metadata: Metadata): void {
    if (this.password === undefined) return;
    const [token] = metadata.get("token");
    if (token === undefined) throw new Refusal(3, "etcdserver: user name is empty");
    if (token !== this.validToken) throw new Refusal(16, "etcdserver: invalid auth token");
  }

  #stream(path: string, response: string, call: Writable): void {
    this.calls.push({ path, metadata: call.metadata });
    const make = this.streams.get(path);
    try {
      if (make === undefined) throw new Refusal(12, `unknown method ${path}`);
      for (const message of make(call.request)) call.write(Buffer.from(codecOf(response).encode(message)));
      call.end();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      call.emit("error", { code: error.status, details: error.message });
    }
  }

  #duplex(path: string, call: Duplex): void {
    this.calls.push({ path, metadata: call.metadata });
    call.on("error", () => {});
    if (path === "/etcdserverpb.Lease/LeaseKeepAlive") return this.#keepAlive(call);
    const stream = new FakeWatchStream(this.store, (bytes) => call.write(Buffer.from(bytes)), this.splitsWatchAnswers);
    this.watchStreams.add(stream);
    const close = () => {
      stream.close();
      this.watchStreams.delete(stream);
    };
    call.on("data", (bytes: Buffer) => stream.receive(bytes, () => this.#checkToken(call.metadata)));
    call.on("cancelled", close);
    call.on("close", close);
  }

  #keepAlive(call: Duplex): void {
    call.on("data", (bytes: Buffer) => {
      if (!this.answersKeepAlives) return;
      const { ID } = LeaseKeepAliveRequest.decode(bytes);
      const TTL = this.store.leases.get(ID)?.ttlSeconds ?? 0n;
      call.write(Buffer.from(LeaseKeepAliveResponse.encode({ header: this.store.header, ID, TTL })));
    });
    call.on("end", () => call.end());
  }
}
