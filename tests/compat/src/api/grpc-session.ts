import {
  Client,
  credentials,
  type ClientDuplexStream,
  type Metadata,
  status as grpcStatus,
  type StatusObject,
} from "@grpc/grpc-js";
import type { Status } from "./api-case.js";

const identity = (bytes: Buffer) => bytes;
/** gRPC's names of codes as the cases write them: 3 is "InvalidArgument". */
const codeNames = new Map<number, string>(
  Object.entries(grpcStatus)
    .filter((entry): entry is [string, number] => typeof entry[1] === "number")
    .map(([name, code]) => [code, name === "OK" ? "OK" : camelCase(name === "CANCELLED" ? "CANCELED" : name)]),
);

function camelCase(name: string): string {
  return name.toLowerCase().replace(/(^|_)([a-z])/g, (_all, _before, letter: string) => letter.toUpperCase());
}

export type UnaryAnswer =
  | { readonly kind: "response"; readonly bytes: Uint8Array }
  | { readonly kind: "error"; readonly error: Status };

/** One connection to a member, through grpc-js, with messages as bytes. */
export class GrpcSession {
  readonly #client: Client;

  constructor(address: string) {
    this.#client = new Client(address, credentials.createInsecure(), {
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
      "grpc.enable_retries": 0,
      "grpc.use_local_subchannel_pool": 1,
    });
  }

  unary(rpc: string, request: Uint8Array, options: { metadata: Metadata; timeoutMs: number }): Promise<UnaryAnswer> {
    return new Promise((resolve) => {
      const deadline = Date.now() + options.timeoutMs;
      this.#client.makeUnaryRequest<Buffer, Buffer>(
        `/${rpc}`,
        identity,
        identity,
        Buffer.from(request),
        options.metadata,
        { deadline },
        (error, bytes) => {
          if (error !== null) resolve({ kind: "error", error: toStatus(error) });
          else resolve({ kind: "response", bytes: bytes ?? new Uint8Array() });
        },
      );
    });
  }

  open(rpc: string, metadata: Metadata): GrpcStream {
    return new GrpcStream(this.#client.makeBidiStreamRequest<Buffer, Buffer>(`/${rpc}`, identity, identity, metadata));
  }

  close(): void {
    this.#client.close();
  }
}

/** What came next on a stream: a message, its end, or nothing in the given time. */
export type StreamNews =
  | { readonly kind: "message"; readonly bytes: Uint8Array }
  | { readonly kind: "end"; readonly status: Status }
  | { readonly kind: "nothing" };

/** An open call of any kind. Messages wait here until they are asked for; after its end the stream tells that end again and again. */
export class GrpcStream {
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  readonly #messages: Uint8Array[] = [];
  #end: Status | undefined;
  #wake: (() => void) | undefined;

  constructor(call: ClientDuplexStream<Buffer, Buffer>) {
    this.#call = call;
    call.on("data", (bytes: Buffer) => {
      this.#messages.push(bytes);
      this.#wake?.();
    });
    call.on("status", (end: StatusObject) => {
      this.#end = toStatus(end);
      this.#wake?.();
    });
    call.on("error", () => {
      // The status event says the same.
    });
  }

  send(message: Uint8Array): void {
    this.#call.write(Buffer.from(message));
  }

  halfClose(): void {
    this.#call.end();
  }

  cancel(): void {
    this.#call.cancel();
  }

  async next(withinMs: number): Promise<StreamNews> {
    if (this.#messages.length === 0 && this.#end === undefined) await this.#wait(withinMs);
    const bytes = this.#messages.shift();
    if (bytes !== undefined) return { kind: "message", bytes };
    return this.#end === undefined ? { kind: "nothing" } : { kind: "end", status: this.#end };
  }

  #wait(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, Math.max(0, withinMs));
      this.#wake = done;
    });
  }
}

function toStatus({ code, details }: { code: number; details: string }): Status {
  return { code: codeNames.get(code) ?? String(code), message: code === grpcStatus.OK ? "" : details };
}
