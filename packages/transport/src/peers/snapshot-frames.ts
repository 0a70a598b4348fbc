import { crc32c } from "@node-rs/crc32";

/** What a snapshot's sender says: what it is, a piece of it, and that this was all. */
export type SenderFrame =
  | Readonly<{ kind: "begin"; sizeBytes: number; header: Uint8Array }>
  | Readonly<{ kind: "chunk"; offset: number; data: Uint8Array }>
  /** `digest` is the SHA-256 of the bytes from `digestFrom` to the end. */
  | Readonly<{ kind: "end"; digestFrom: number; digest: Uint8Array }>;

/** What its receiver says: from where to go on and from where its digest counts; or how far it has got. */
export type ReceiverFrame =
  | Readonly<{ kind: "begun"; receivedBytes: number; digestFrom: number }>
  | Readonly<{ kind: "taken"; receivedBytes: number }>;

const Tag = { begin: 1, chunk: 2, end: 3, begun: 4, taken: 5 } as const;
const digestBytes = 32;
/** Tag, CRC-32C of the rest, offset. */
const chunkHeadBytes = 13;

/** Encodes a frame of the sender. */
export function encodeSenderFrame(frame: SenderFrame): Buffer {
  if (frame.kind === "chunk") return encodeChunk(frame.offset, frame.data);
  const [tag, count, rest] =
    frame.kind === "begin" ? [Tag.begin, frame.sizeBytes, frame.header] : [Tag.end, frame.digestFrom, frame.digest];
  const bytes = Buffer.allocUnsafe(9 + rest.length);
  bytes[0] = tag;
  bytes.writeBigUInt64BE(BigInt(count), 1);
  bytes.set(rest, 9);
  return bytes;
}

function encodeChunk(offset: number, data: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(chunkHeadBytes + data.length);
  bytes[0] = Tag.chunk;
  bytes.writeBigUInt64BE(BigInt(offset), 5);
  bytes.set(data, chunkHeadBytes);
  bytes.writeUInt32BE(crc32c(bytes.subarray(5)), 1);
  return bytes;
}

/** Reads a frame of the sender; its bytes are views. @returns why it cannot be read, as text. */
export function decodeSenderFrame(bytes: Uint8Array): SenderFrame | string {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.length < 9) return "malformed frame";
  if (view[0] === Tag.chunk) {
    if (view.length < chunkHeadBytes) return "malformed frame";
    if (crc32c(view.subarray(5)) !== view.readUInt32BE(1)) return "corrupt chunk";
    const offset = countAt(view, 5);
    return offset === undefined ? "malformed frame" : { kind: "chunk", offset, data: view.subarray(chunkHeadBytes) };
  }
  const count = countAt(view, 1);
  if (count === undefined) return "malformed frame";
  const rest = view.subarray(9);
  if (view[0] === Tag.begin) return { kind: "begin", sizeBytes: count, header: rest };
  if (view[0] === Tag.end && rest.length === digestBytes) return { kind: "end", digestFrom: count, digest: rest };
  return "malformed frame";
}

/** Encodes a frame of the receiver. */
export function encodeReceiverFrame(frame: ReceiverFrame): Buffer {
  const bytes = Buffer.allocUnsafe(frame.kind === "begun" ? 17 : 9);
  bytes[0] = Tag[frame.kind];
  bytes.writeBigUInt64BE(BigInt(frame.receivedBytes), 1);
  if (frame.kind === "begun") bytes.writeBigUInt64BE(BigInt(frame.digestFrom), 9);
  return bytes;
}

/** Reads a frame of the receiver; undefined when it cannot be read. */
export function decodeReceiverFrame(bytes: Buffer): ReceiverFrame | undefined {
  const isBegun = bytes[0] === Tag.begun;
  if (bytes.length !== (isBegun ? 17 : 9) || (!isBegun && bytes[0] !== Tag.taken)) return undefined;
  const receivedBytes = countAt(bytes, 1);
  if (receivedBytes === undefined) return undefined;
  if (!isBegun) return { kind: "taken", receivedBytes };
  const digestFrom = countAt(bytes, 9);
  return digestFrom === undefined ? undefined : { kind: "begun", receivedBytes, digestFrom };
}

/** A count of bytes; undefined above 2^53, where nothing of ours can be. */
function countAt(bytes: Buffer, at: number): number | undefined {
  const count = Number(bytes.readBigUInt64BE(at));
  return Number.isSafeInteger(count) ? count : undefined;
}
