import type { Connection } from "./connection.js";
import { ConnectionError, ErrorCode, Flag } from "./protocol.js";
import { areTrailersValid, type RequestHead, readRequestHead } from "./request-head.js";
import { endOfBody, resetFor, Stream } from "./stream.js";

/** A HEADERS frame. @throws ConnectionError, HpackError */
export function onHeaders(
  connection: Connection,
  bytes: Buffer,
  start: number,
  length: number,
  flags: number,
  id: number,
): void {
  if ((id & 1) === 0) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "headers of a stream that no client opens");
  let from = start;
  let to = start + length;
  if ((flags & Flag.PADDED) !== 0) {
    if (length === 0) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "padded headers without length");
    to -= bytes[from++] as number;
  }
  if ((flags & Flag.PRIORITY) !== 0) from += 5;
  if (from > to) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "padding or priority longer than the frame");
  if ((flags & Flag.END_HEADERS) !== 0) return onBlock(connection, bytes, from, to, flags, id);
  const size = to - from;
  const block = Buffer.allocUnsafe(Math.max(1024, 2 * size));
  bytes.copy(block, 0, from, to);
  connection.block = { bytes: block, length: size, id, flags, frames: 0, sinceMs: connection.nowMs };
  connection.plan();
}

/** A CONTINUATION frame. @throws ConnectionError, HpackError */
export function onContinuation(
  connection: Connection,
  bytes: Buffer,
  start: number,
  length: number,
  flags: number,
  id: number,
): void {
  const { block, engine } = connection;
  if (block === undefined || block.id !== id)
    throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "continuation of nothing");
  block.frames++;
  const total = block.length + length;
  if (block.frames > engine.limits.maxContinuations || total > engine.limits.maxHeaderBlockBytes) {
    connection.block = undefined;
    throw new ConnectionError(ErrorCode.ENHANCE_YOUR_CALM, "header block too large");
  }
  if (total > block.bytes.length) {
    const grown = Buffer.allocUnsafe(2 * total);
    block.bytes.copy(grown, 0, 0, block.length);
    block.bytes = grown;
  }
  bytes.copy(block.bytes, block.length, start, start + length);
  block.length = total;
  if ((flags & Flag.END_HEADERS) === 0) return;
  connection.block = undefined;
  onBlock(connection, block.bytes, 0, total, block.flags, id);
}

function onBlock(connection: Connection, bytes: Buffer, start: number, end: number, flags: number, id: number): void {
  if (id <= connection.lastStreamId) return onTrailers(connection, bytes, start, end, flags, id);
  connection.lastStreamId = id;
  const { decoder, cache } = connection;
  const { version } = decoder;
  let head = cache.find(bytes, start, end, version);
  if (head === undefined) {
    const { fields, isTooLarge } = decoder.decode(bytes, start, end);
    if (id > connection.goawayId) return;
    if (isTooLarge) return refuse(connection, id, ErrorCode.FRAME_SIZE_ERROR);
    head = readRequestHead(fields);
    if (head === undefined) return refuse(connection, id, ErrorCode.PROTOCOL_ERROR);
    if (decoder.version === version) cache.keep(bytes, start, end, version, head);
  } else if (id > connection.goawayId) return;
  openStream(connection, head, id, (flags & Flag.END_STREAM) !== 0);
}

/** A request that does not become a stream. Counts as a reset that the peer has caused. */
function refuse(connection: Connection, id: number, code: number): void {
  connection.guard.countReset(connection.nowMs);
  connection.writeReset(id, code);
}

function openStream(connection: Connection, head: RequestHead, id: number, isEnded: boolean): void {
  const { engine } = connection;
  const { counts, limits } = engine;
  if (connection.streams.size + connection.cancelledWork >= limits.maxConcurrentStreams) {
    return refuse(connection, id, ErrorCode.REFUSED_STREAM);
  }
  const stream = new Stream(id, connection, connection.peerInitialWindow, limits.streamWindowBytes);
  connection.streams.set(id, stream);
  connection.keepAlive.isIdle = false;
  counts.streams++;
  counts.streamsTotal++;
  if (head.contentLength !== undefined) {
    stream.contentLength = head.contentLength;
    if (isEnded && head.contentLength !== 0) return resetFor(stream, ErrorCode.PROTOCOL_ERROR);
  }
  stream.isRemoteClosed = isEnded;
  stream.consumer = connection.application.open(stream, head, isEnded);
  if (isEnded && !stream.isLocalClosed) stream.consumer?.onEnd();
}

function onTrailers(
  connection: Connection,
  bytes: Buffer,
  start: number,
  end: number,
  flags: number,
  id: number,
): void {
  const { fields, isTooLarge } = connection.decoder.decode(bytes, start, end); // in any case: the table must stay right
  const stream = connection.streams.get(id);
  if (stream === undefined || stream.isRemoteClosed) {
    if (connection.guard.wasResetByUs(id) || id > connection.goawayId) return;
    throw new ConnectionError(ErrorCode.STREAM_CLOSED, "headers of a closed stream");
  }
  if ((flags & Flag.END_STREAM) === 0 || isTooLarge || !areTrailersValid(fields)) {
    return resetFor(stream, ErrorCode.PROTOCOL_ERROR);
  }
  if (stream.contentLength >= 0 && stream.receivedBytes !== stream.contentLength) {
    return resetFor(stream, ErrorCode.PROTOCOL_ERROR);
  }
  stream.isRemoteClosed = true;
  endOfBody(stream);
}
