import { type SpanContext, TraceFlags } from "@opentelemetry/api";
import type { MemberId } from "@quorate/common";
import { decodeMessage, RaftError, type RaftMessage } from "@quorate/raft";
import { varintLength, writeVarint } from "./entry-codec.js";

/**
 * What one member says to another in one turn, as bytes: a head, then sections. Head: format, life of the sender, life of the receiver as far as the
 * sender knows it, number of the frame. A section: its kind, for a message passed on the member it began at, its length, its bytes.
 */
const formatVersion = 1;
const section = { own: 0, passedOn: 1, traces: 2 } as const;
const lifeBytes = 6;
const idBytes = 8;
const traceBytes = 16;
const spanBytes = 8;
/** Position, trace, span, flags. */
const tracedBytes = 4 + traceBytes + spanBytes + 1;

/** `life` tells one run of a member's process from another; `to` is 0 while it is not known. Frames are numbered per receiver and life. */
export type FrameHead = Readonly<{ life: number; to: number; number: number }>;

/** A message out of a frame. `traces`: the spans that entries of it belong to, by their position in it. */
export type Delivered = Readonly<{
  from: MemberId;
  message: RaftMessage;
  traces: ReadonlyMap<number, SpanContext> | undefined;
}>;

/** Why bytes are no frame. */
export class FrameError extends Error {}

export function encodeFrameHead(head: FrameHead): Uint8Array {
  const out = new Uint8Array(1 + 2 * lifeBytes + varintLength(head.number));
  out[0] = formatVersion;
  const view = new DataView(out.buffer);
  writeLife(view, 1, head.life);
  writeLife(view, 1 + lifeBytes, head.to);
  writeVarint(out, 1 + 2 * lifeBytes, head.number);
  return out;
}

/** What goes before the bytes of a message. @param from the member it began at, when that is not the sender. */
export function encodeMessageHead(byteLength: number, from: MemberId | undefined): Uint8Array {
  const at = from === undefined ? 1 : 1 + idBytes;
  const out = new Uint8Array(at + varintLength(byteLength));
  out[0] = from === undefined ? section.own : section.passedOn;
  if (from !== undefined) new DataView(out.buffer).setBigUint64(1, from);
  writeVarint(out, at, byteLength);
  return out;
}

/** The section that follows a message some of whose entries are traced. */
export function encodeTraces(traces: ReadonlyMap<number, SpanContext>): Uint8Array {
  const length = traces.size * tracedBytes;
  const head = 1 + varintLength(length);
  const out = Buffer.alloc(head + length);
  out[0] = section.traces;
  writeVarint(out, 1, length);
  let at = head;
  for (const [position, { traceId, spanId, traceFlags }] of traces) {
    at = out.writeUInt32BE(position, at);
    at += out.write(traceId, at, traceBytes, "hex");
    at += out.write(spanId, at, spanBytes, "hex");
    at = out.writeUInt8(traceFlags, at);
  }
  return out;
}

/** The head of a frame, and where the sections begin. @throws FrameError. */
export function decodeFrameHead(bytes: Uint8Array): { head: FrameHead; start: number } {
  if (bytes.length < 2 + 2 * lifeBytes || bytes[0] !== formatVersion) throw new FrameError("not a frame");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const reader = new SectionReader(bytes, 1 + 2 * lifeBytes);
  const head = { life: readLife(view, 1), to: readLife(view, 1 + lifeBytes), number: reader.varint() };
  return { head, start: reader.at };
}

/**
 * The messages of a frame that `sender` sent. Entries in them are views.
 * @throws FrameError, RaftError "raft/malformed": whatever the bytes are, nothing else.
 */
export function decodeFrameBody(bytes: Uint8Array, start: number, sender: MemberId): Delivered[] {
  const reader = new SectionReader(bytes, start);
  const delivered: Delivered[] = [];
  while (reader.at < bytes.length) {
    const kind = reader.byte();
    const from = kind === section.passedOn ? (reader.id() as MemberId) : sender;
    const content = reader.bytes();
    if (kind === section.traces) {
      const last = delivered.pop();
      if (last === undefined || last.traces !== undefined) throw new FrameError("traces of no message");
      delivered.push({ ...last, traces: decodeTraces(content) });
      continue;
    }
    if (kind > section.passedOn) throw new FrameError(`unknown section ${kind}`);
    const message = decodeMessage(content);
    const mayBePassedOn = message.kind === "propose" || message.kind === "read-index";
    if (kind === section.passedOn && !mayBePassedOn) throw new FrameError("a message in another member's name");
    // Its state travels on a stream of its own, and the message with it.
    if (message.kind === "snapshot") throw new FrameError("a snapshot in a frame");
    delivered.push({ from, message, traces: undefined });
  }
  return delivered;
}

/** True for what decoding throws because of the bytes, not because of a mistake of ours. */
export function isFrameFault(error: unknown): error is Error {
  return error instanceof FrameError || (error instanceof RaftError && error.fault.code === "raft/malformed");
}

function decodeTraces(content: Uint8Array): ReadonlyMap<number, SpanContext> {
  if (content.length % tracedBytes !== 0) throw new FrameError("traces of another length");
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.length);
  const traces = new Map<number, SpanContext>();
  for (let at = 0; at < bytes.length; at += tracedBytes) {
    const traceAt = at + 4;
    const spanAt = traceAt + traceBytes;
    traces.set(bytes.readUInt32BE(at), {
      traceId: bytes.toString("hex", traceAt, spanAt),
      spanId: bytes.toString("hex", spanAt, spanAt + spanBytes),
      traceFlags: bytes.readUInt8(spanAt + spanBytes) & TraceFlags.SAMPLED,
      isRemote: true,
    });
  }
  return traces;
}

function writeLife(view: DataView, at: number, life: number): void {
  view.setUint16(at, Math.floor(life / 2 ** 32));
  view.setUint32(at + 2, life % 2 ** 32);
}

function readLife(view: DataView, at: number): number {
  return view.getUint16(at) * 2 ** 32 + view.getUint32(at + 2);
}

class SectionReader {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  byte(): number {
    const byte = this.#bytes[this.at++];
    if (byte === undefined) throw new FrameError("a frame that was cut off");
    return byte;
  }

  varint(): number {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 49; factor *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw new FrameError("a number that does not end");
  }

  id(): bigint {
    const end = this.at + idBytes;
    if (end > this.#bytes.length) throw new FrameError("a frame that was cut off");
    const id = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.at, idBytes).getBigUint64(0);
    this.at = end;
    return id;
  }

  bytes(): Uint8Array {
    const end = this.varint() + this.at;
    if (end > this.#bytes.length) throw new FrameError("a section that was cut off");
    const bytes = this.#bytes.subarray(this.at, end);
    this.at = end;
    return bytes;
  }
}
