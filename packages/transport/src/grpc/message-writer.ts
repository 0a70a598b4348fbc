import { Flag, FrameType, frameHeaderBytes } from "../http2/protocol.js";
import type { Stream } from "../http2/stream.js";

const prefixBytes = 5;

/** Bytes of all parts together. */
export function lengthOf(parts: readonly Uint8Array[]): number {
  let length = 0;
  for (let i = 0; i < parts.length; i++) length += (parts[i] as Uint8Array).length;
  return length;
}

/** Whether a message of `length` bytes can leave now as one DATA frame. */
function fits(stream: Stream, length: number): boolean {
  const host = stream.connection;
  const size = length + prefixBytes;
  return (
    stream.queuedBytes === 0 &&
    size <= stream.sendWindow &&
    size <= host.sendWindow &&
    size <= host.peerFrameBytes &&
    !host.blocks.isResized &&
    host.output.backlog < host.engine.limits.socketHighWaterBytes
  );
}

function writeFrame(stream: Stream, start: number, length: number, parts: readonly Uint8Array[]): number {
  const { output } = stream.connection;
  let at = output.frameHeader(start, length + prefixBytes, FrameType.DATA, 0, stream.id);
  const { buffer } = output;
  buffer[at] = 0;
  buffer[at + 1] = length >>> 24;
  buffer[at + 2] = length >>> 16;
  buffer[at + 3] = length >>> 8;
  buffer[at + 4] = length;
  at += prefixBytes;
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i] as Uint8Array;
    copyInto(buffer, at, part);
    at += part.length;
  }
  stream.sendWindow -= length + prefixBytes;
  stream.connection.sendWindow -= length + prefixBytes;
  return at;
}

/** Short pieces are copied faster by hand than by a call out of JavaScript. */
function copyInto(target: Buffer, at: number, source: Uint8Array): void {
  const { length } = source;
  if (length > 48) target.set(source, at);
  else for (let i = 0; i < length; i++) target[at + i] = source[i] as number;
}

/**
 * Queues one message, its parts in a row, and sends what can be sent.
 * @returns false when more than the stream's high-water mark waits.
 */
export function writeMessage(stream: Stream, parts: readonly Uint8Array[]): boolean {
  if (stream.isLocalClosed) return true;
  const length = lengthOf(parts);
  if (fits(stream, length)) {
    const start = stream.connection.output.reserve(frameHeaderBytes + prefixBytes + length);
    writeFrame(stream, start, length, parts);
    stream.connection.spoke();
    return true;
  }
  const prefix = Buffer.allocUnsafe(prefixBytes);
  prefix[0] = 0;
  prefix.writeUInt32BE(length, 1);
  stream.write(prefix);
  for (const part of parts) stream.write(part);
  return stream.push();
}

/** A whole good answer: head (unless it has gone out), one message, trailers. The common case is one piece of output. */
export function writeAnswer(stream: Stream, parts: readonly Uint8Array[]): void {
  const length = lengthOf(parts);
  if (stream.isHeadSent || !fits(stream, length)) {
    stream.sendGrpcHead();
    writeMessage(stream, parts);
    stream.endOk();
    return;
  }
  const host = stream.connection;
  const { blocks, output } = host;
  const { head } = blocks;
  blocks.headWritten();
  const { trailers } = blocks;
  const start = output.reserve(3 * frameHeaderBytes + head.length + prefixBytes + length + trailers.length);
  let at = output.frameHeader(start, head.length, FrameType.HEADERS, Flag.END_HEADERS, stream.id);
  copyInto(output.buffer, at, head);
  at = writeFrame(stream, at + head.length, length, parts);
  at = output.frameHeader(at, trailers.length, FrameType.HEADERS, Flag.END_HEADERS | Flag.END_STREAM, stream.id);
  copyInto(output.buffer, at, trailers);
  blocks.trailersWritten();
  stream.isHeadSent = true;
  host.spoke();
  stream.closeLocal();
}
