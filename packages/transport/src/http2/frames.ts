import type { Connection } from "./connection.js";
import { onContinuation, onHeaders } from "./header-frames.js";
import { ConnectionError, ErrorCode, Flag, FrameType, windowMax } from "./protocol.js";
import { onSettings } from "./settings.js";
import { endOfBody, resetFor, type Stream } from "./stream.js";

/** Reads the whole frame at `bytes[at]`, whose payload has `length` bytes. @throws ConnectionError, HpackError */
export function onFrame(connection: Connection, bytes: Buffer, at: number, length: number): void {
  const type = bytes[at + 3] as number;
  const flags = bytes[at + 4] as number;
  const id =
    (((bytes[at + 5] as number) & 0x7f) << 24) |
    ((bytes[at + 6] as number) << 16) |
    ((bytes[at + 7] as number) << 8) |
    (bytes[at + 8] as number);
  const start = at + 9;
  if (connection.block !== undefined && type !== FrameType.CONTINUATION) {
    throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "frame inside a header block");
  }
  if (!connection.hasSettings && type !== FrameType.SETTINGS) {
    throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "settings must come first");
  }
  if (type === FrameType.DATA) onData(connection, bytes, start, length, flags, id);
  else if (type === FrameType.HEADERS) onHeaders(connection, bytes, start, length, flags, id);
  else onOtherFrame(connection, bytes, start, length, type, flags, id);
}

function onOtherFrame(
  connection: Connection,
  bytes: Buffer,
  start: number,
  length: number,
  type: number,
  flags: number,
  id: number,
): void {
  switch (type) {
    case FrameType.WINDOW_UPDATE:
      return onWindowUpdate(connection, bytes, start, length, id);
    case FrameType.RST_STREAM:
      return onReset(connection, length, id);
    case FrameType.CONTINUATION:
      return onContinuation(connection, bytes, start, length, flags, id);
    case FrameType.SETTINGS:
      if (id !== 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "settings of a stream");
      return onSettings(connection, bytes, start, length, flags);
    case FrameType.PING:
      return onPing(connection, bytes, start, length, flags, id);
    case FrameType.PRIORITY:
      if (id === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "priority of stream 0");
      if (length !== 5) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "priority of a wrong size");
      return connection.guard.countIdleFrame(connection.nowMs);
    case FrameType.GOAWAY:
      if (id !== 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "goaway of a stream");
      if (length < 8) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "goaway of a wrong size");
      return connection.guard.countIdleFrame(connection.nowMs); // the client goes when its streams have ended
    case FrameType.PUSH_PROMISE:
      throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "push promise from a client");
    default:
      connection.guard.countIdleFrame(connection.nowMs);
  }
}

function onData(connection: Connection, bytes: Buffer, start: number, length: number, flags: number, id: number): void {
  if (id === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "data of stream 0");
  connection.countReceived(length);
  const stream = connection.streams.get(id);
  if (stream === undefined || stream.isRemoteClosed) return onStrayData(connection, stream, id, length);
  let from = start;
  let to = start + length;
  if ((flags & Flag.PADDED) !== 0) {
    const padding = length === 0 ? 0 : (bytes[start] as number);
    if (padding >= length) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "padding longer than the frame");
    from = start + 1;
    to -= padding;
  }
  stream.receiveWindow -= length;
  if (stream.receiveWindow < 0) return resetFor(stream, ErrorCode.FLOW_CONTROL_ERROR);
  const isLast = (flags & Flag.END_STREAM) !== 0;
  if (to > from) connection.guard.carried();
  else if (!isLast) connection.guard.countIdleFrame(connection.nowMs);
  if (length > to - from) stream.consumed(length - (to - from));
  stream.receivedBytes += to - from;
  if (stream.contentLength >= 0 && isLengthWrong(stream, isLast)) return resetFor(stream, ErrorCode.PROTOCOL_ERROR);
  if (isLast) stream.isRemoteClosed = true;
  const { consumer } = stream;
  if (consumer === undefined) return;
  if (to > from) consumer.onData(bytes, from, to);
  if (isLast) endOfBody(stream);
}

function isLengthWrong(stream: Stream, isLast: boolean): boolean {
  return isLast ? stream.receivedBytes !== stream.contentLength : stream.receivedBytes > stream.contentLength;
}

/** DATA of a stream that is not open for it. What was on its way when we ended the stream is dropped; it has been counted. */
function onStrayData(connection: Connection, stream: Stream | undefined, id: number, length: number): void {
  if (isIdle(connection, id)) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "data of an idle stream");
  if (length === 0) connection.guard.countIdleFrame(connection.nowMs);
  if (connection.guard.wasResetByUs(id) || id > connection.goawayId) return;
  connection.guard.countReset(connection.nowMs);
  if (stream !== undefined) stream.reset(ErrorCode.STREAM_CLOSED);
  else connection.writeReset(id, ErrorCode.STREAM_CLOSED);
}

/** A stream that no HEADERS has opened. Even ids would be the server's, which opens none. */
function isIdle(connection: Connection, id: number): boolean {
  return id > connection.lastStreamId || (id & 1) === 0;
}

function onReset(connection: Connection, length: number, id: number): void {
  if (id === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "reset of stream 0");
  if (length !== 4) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "reset of a wrong size");
  if (isIdle(connection, id)) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "reset of an idle stream");
  connection.engine.counts.resetsByPeer++;
  const stream = connection.streams.get(id);
  if (stream === undefined) {
    connection.guard.countIdleFrame(connection.nowMs); // crossed our answer: not held against the client as a reset
    return;
  }
  connection.guard.countReset(connection.nowMs);
  stream.drop();
}

function onPing(connection: Connection, bytes: Buffer, start: number, length: number, flags: number, id: number): void {
  if (id !== 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "ping of a stream");
  if (length !== 8) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "ping of a wrong size");
  connection.guard.countIdleFrame(connection.nowMs);
  if ((flags & Flag.ACK) !== 0) {
    if (connection.keepAlive.answered(bytes[start] as number)) connection.confirmDrain();
    return;
  }
  connection.output.frame(FrameType.PING, Flag.ACK, 0, bytes.subarray(start, start + 8));
  connection.touch();
  if (connection.keepAlive.isPingTooMany(connection.nowMs)) {
    throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, "too_many_pings");
  }
}

/** Increments below this are counted: an honest peer does not open its window by the byte. */
const smallIncrement = 64;

function onWindowUpdate(connection: Connection, bytes: Buffer, start: number, length: number, id: number): void {
  if (length !== 4) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "window update of a wrong size");
  const increment = bytes.readUInt32BE(start) & 0x7fffffff;
  if (increment < smallIncrement) connection.guard.countIdleFrame(connection.nowMs);
  if (id === 0) {
    if (increment === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "window update of zero");
    connection.sendWindow += increment;
    if (connection.sendWindow > windowMax)
      throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, "connection window too large");
    connection.pumpWaiting();
    return;
  }
  if (isIdle(connection, id)) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "window update of an idle stream");
  const stream = connection.streams.get(id);
  if (stream === undefined) return; // crossed the end of the stream
  if (increment === 0) return resetFor(stream, ErrorCode.PROTOCOL_ERROR);
  stream.sendWindow += increment;
  if (stream.sendWindow > windowMax) return resetFor(stream, ErrorCode.FLOW_CONTROL_ERROR);
  connection.pump(stream);
}
