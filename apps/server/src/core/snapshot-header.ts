import { decodeMessage, encodeMessage, RaftError, type RaftMessage } from "@quorate/raft";

const formatVersion = 1;
const tokenBytes = 8;
const headBytes = 1 + tokenBytes;

/** The message that a snapshot travels with. */
export type SnapshotMessage = Extract<RaftMessage, { kind: "snapshot" }>;

/** What goes before the bytes of a snapshot. */
export type SnapshotHeader = Readonly<{
  /** Tells one copy of the sender from another: copies of the same entry may differ in their bytes. */
  token: number;
  message: SnapshotMessage;
}>;

export function encodeSnapshotHeader({ token, message }: SnapshotHeader): Uint8Array {
  const bytes = encodeMessage(message);
  const out = new Uint8Array(headBytes + bytes.length);
  out[0] = formatVersion;
  new DataView(out.buffer).setFloat64(1, token);
  out.set(bytes, headBytes);
  return out;
}

/** @returns undefined when these bytes, which are somebody's, are no such header. */
export function decodeSnapshotHeader(bytes: Uint8Array): SnapshotHeader | undefined {
  if (bytes.length <= headBytes || bytes[0] !== formatVersion) return undefined;
  try {
    const message = decodeMessage(bytes.slice(headBytes));
    if (message.kind !== "snapshot" || message.snapshot.index <= 0) return undefined;
    const token = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getFloat64(1);
    return { token, message };
  } catch (error) {
    if (error instanceof RaftError && error.fault.code === "raft/malformed") return undefined;
    throw error;
  }
}
