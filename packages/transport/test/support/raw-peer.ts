import { silentLogger } from "@quorate/common";
import { GrpcApplication } from "../../src/grpc/grpc-application.js";
import type { GrpcServices } from "../../src/grpc/registry.js";
import { HpackDecoder } from "../../src/hpack/hpack-decoder.js";
import { encodeHeaders } from "../../src/hpack/hpack-encoder.js";
import type { Application } from "../../src/http2/application.js";
import { Connection } from "../../src/http2/connection.js";
import { Counts, type Engine } from "../../src/http2/engine.js";
import { FrameReader } from "../../src/http2/frame-reader.js";
import { BufferPool, type Wire } from "../../src/http2/output.js";
import { clientPreface, FrameType } from "../../src/http2/protocol.js";
import { defaultLimits, type Limits } from "../../src/limits.js";
import { Wheel } from "../../src/wheel.js";
import { ManualClock } from "./manual-clock.js";

/** A frame as the server sent it. `fields` for HEADERS. */
export type SeenFrame = { type: number; flags: number; id: number; payload: Buffer; fields?: [string, string][] };

const typeNames = Object.fromEntries(Object.entries(FrameType).map(([name, type]) => [type, name]));

/** Encodes one frame. */
export function frame(type: number, flags: number, id: number, payload: Uint8Array | readonly number[] = []): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, Buffer.from(payload)]);
}

export const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** SETTINGS with the pairs given. */
export function settings(pairs: readonly (readonly [number, number])[] = []): Buffer {
  const payload = Buffer.alloc(6 * pairs.length);
  pairs.forEach(([name, value], i) => {
    payload.writeUInt16BE(name, 6 * i);
    payload.writeUInt32BE(value, 6 * i + 2);
  });
  return frame(FrameType.SETTINGS, 0, 0, payload);
}

/** A gRPC message with its prefix. */
export function grpcMessage(body: Uint8Array, flag = 0): Buffer {
  return Buffer.concat([Buffer.from([flag]), uint32(body.length), body]);
}

export const callFields = (
  path: string,
  extra: readonly (readonly [string, string])[] = [],
): (readonly [string, string])[] => [
  [":method", "POST"],
  [":scheme", "http"],
  [":path", path],
  [":authority", "localhost"],
  ["content-type", "application/grpc"],
  ["te", "trailers"],
  ...extra,
];

/** HEADERS of a call. */
export function callHeaders(
  id: number,
  path: string,
  options: { end?: boolean; extra?: readonly (readonly [string, string])[] } = {},
): Buffer {
  return frame(FrameType.HEADERS, options.end ? 5 : 4, id, encodeHeaders(callFields(path, options.extra)));
}

/** A whole unary request: HEADERS, DATA with the end. */
export function unaryRequest(id: number, path: string, body: Uint8Array): Buffer {
  return Buffer.concat([callHeaders(id, path), frame(FrameType.DATA, 1, id, grpcMessage(body))]);
}

/** A wire that keeps what is written. With `isStuck` nothing is taken by the system. */
export class TestWire implements Wire {
  chunks: Buffer[] = [];
  writes = 0;
  isStuck = false;
  isPaused = false;
  isEnded = false;
  isDestroyed = false;
  private stuckBytes = 0;
  private stuck: (() => void)[] = [];

  write(bytes: Buffer, written: () => void): void {
    this.writes++;
    this.chunks.push(Buffer.from(bytes));
    if (this.isStuck) {
      this.stuckBytes += bytes.length;
      this.stuck.push(written);
    } else written();
  }

  get backlog(): number {
    return this.stuckBytes;
  }

  /** The system takes all at last. */
  unstick(): void {
    this.isStuck = false;
    this.stuckBytes = 0;
    for (const written of this.stuck.splice(0)) written();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {
    this.isEnded = true;
  }

  destroy(): void {
    this.isDestroyed = true;
  }
}

const pool = new BufferPool();

/** An engine without sockets: what connections of one listener share. */
export function buildEngine(
  limits: Partial<Limits> = {},
): Engine & { clock: ManualClock; dirty: { flush(): void }[]; relieved: number } {
  const clock = new ManualClock();
  const dirty: { flush(): void }[] = [];
  const engine = {
    limits: { ...defaultLimits, ...limits },
    clock,
    random: { integer: (min: number) => min, bytes: (length: number) => new Uint8Array(length) },
    logger: silentLogger,
    pool,
    counts: new Counts(),
    deadlines: new Wheel({ tickMs: 10, slots: 64 }, { clock }),
    timers: new Wheel({ tickMs: 100, slots: 64 }, { clock }),
    dirty,
    relieved: 0,
    flushLater: (connection: { flush(): void }) => void dirty.push(connection),
    relieve: () => {
      engine.relieved++;
    },
  };
  return engine;
}

function grpcOf(services: GrpcServices): GrpcApplication {
  return new GrpcApplication({
    services,
    http: undefined,
    isHttpOnly: false,
    tracing: undefined,
    onHandled: undefined,
    logger: silentLogger,
  });
}

/** A client that speaks in frames to a connection without sockets, and reads its answers. */
export class RawPeer {
  readonly wire = new TestWire();
  readonly engine: ReturnType<typeof buildEngine>;
  readonly connection: Connection;
  readonly reader: FrameReader;
  private readonly decoder = new HpackDecoder({ tableBytesMax: 4096, listBytesMax: 1 << 24 });
  private unread = Buffer.alloc(0);

  constructor(
    services: GrpcServices,
    limits: Partial<Limits> = {},
    options: { isTls?: boolean; engine?: ReturnType<typeof buildEngine>; application?: Application } = {},
  ) {
    this.engine = options.engine ?? buildEngine(limits);
    const application = options.application ?? grpcOf(services);
    const peer = { remoteAddress: "127.0.0.1", remotePort: 1, isTls: options.isTls ?? false, commonName: undefined };
    this.connection = new Connection(this.engine, application, this.wire, peer);
    this.reader = new FrameReader(this.connection);
  }

  /** Preface and settings, as a client begins. */
  begin(pairs: readonly (readonly [number, number])[] = []): this {
    return this.send(clientPreface, settings(pairs));
  }

  /** Everything in one read. */
  send(...bytes: Uint8Array[]): this {
    this.reader.receive(Buffer.concat(bytes));
    return this;
  }

  /** The end of a turn of the event loop. */
  turn(): this {
    for (const connection of this.engine.dirty.splice(0)) connection.flush();
    return this;
  }

  /** Frames that came since the last call. */
  frames(): SeenFrame[] {
    this.turn();
    let bytes = Buffer.concat([this.unread, ...this.wire.chunks.splice(0)]);
    const seen: SeenFrame[] = [];
    while (bytes.length >= 9) {
      const length = bytes.readUIntBE(0, 3);
      if (bytes.length < 9 + length) break;
      const one: SeenFrame = {
        type: bytes[3] as number,
        flags: bytes[4] as number,
        id: bytes.readUInt32BE(5),
        payload: bytes.subarray(9, 9 + length),
      };
      if (one.type === FrameType.HEADERS && (one.flags & 4) !== 0) {
        one.fields = this.decoder.decode(one.payload, 0, length).fields.map((field) => [field.name, field.value]);
      }
      seen.push(one);
      bytes = bytes.subarray(9 + length);
    }
    this.unread = bytes;
    return seen;
  }

  /** The same as short lines: `DATA 1 end 5`, `RST_STREAM 3 code=8`, `HEADERS 1 :status=200 ...`. */
  lines(): string[] {
    return this.frames().map(lineOf);
  }
}

/** One frame in words. */
export function lineOf({ type, flags, id, payload, fields }: SeenFrame): string {
  const name = typeNames[type] ?? `type ${type}`;
  const end = (flags & 1) !== 0 ? " end" : "";
  if (type === FrameType.HEADERS)
    return `${name} ${id}${end} ${fields?.map(([key, value]) => `${key}=${value}`).join(" ")}`;
  if (type === FrameType.DATA) return `${name} ${id}${end} ${payload.length}`;
  if (type === FrameType.RST_STREAM) return `${name} ${id} code=${payload.readUInt32BE(0)}`;
  if (type === FrameType.WINDOW_UPDATE) return `${name} ${id} ${payload.readUInt32BE(0)}`;
  if (type === FrameType.GOAWAY) {
    return `${name} last=${payload.readUInt32BE(0)} code=${payload.readUInt32BE(4)} ${payload.toString("latin1", 8)}`;
  }
  return `${name} ${id}${(flags & 1) !== 0 ? " ack" : ""}`;
}
