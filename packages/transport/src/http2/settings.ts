import type { Connection } from "./connection.js";
import { ConnectionError, ErrorCode, Flag, FrameType, Setting, windowMax } from "./protocol.js";

/** A SETTINGS frame of the peer. @throws ConnectionError */
export function onSettings(connection: Connection, bytes: Buffer, start: number, length: number, flags: number): void {
  if ((flags & Flag.ACK) !== 0) {
    if (length !== 0) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "settings acknowledgement with content");
    connection.guard.countIdleFrame(connection.nowMs);
    return;
  }
  if (length % 6 !== 0) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "settings of a wrong size");
  if (connection.hasSettings) connection.guard.countIdleFrame(connection.nowMs);
  connection.hasSettings = true;
  let window = connection.peerInitialWindow;
  for (let at = start; at < start + length; at += 6) {
    const name = bytes.readUInt16BE(at);
    const value = bytes.readUInt32BE(at + 2);
    if (name === Setting.INITIAL_WINDOW_SIZE) window = checkedWindow(value);
    else apply(connection, name, value);
  }
  const isWider = window > connection.peerInitialWindow;
  if (window !== connection.peerInitialWindow) setInitialWindow(connection, window);
  connection.output.frame(FrameType.SETTINGS, Flag.ACK, 0, Buffer.alloc(0));
  connection.touch();
  if (isWider) for (const stream of [...connection.streams.values()]) connection.pump(stream);
}

function apply(connection: Connection, name: number, value: number): void {
  switch (name) {
    case Setting.HEADER_TABLE_SIZE:
      connection.blocks.resize(value);
      return;
    case Setting.ENABLE_PUSH:
      if (value > 1) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "push is neither on nor off");
      return;
    case Setting.MAX_FRAME_SIZE:
      if (value < 16_384 || value > 16_777_215)
        throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "frame size out of range");
      connection.peerFrameBytes = Math.min(value, 65_536 - 9); // a frame fits an output buffer
      return;
    default: // the rest does not concern a server that sends no pushes and short header lists
  }
}

function checkedWindow(value: number): number {
  if (value > windowMax) throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, "initial window too large");
  return value;
}

/**
 * Applies to open streams as well; their windows may go below zero (RFC 9113 section 6.9.2). Done once a frame, however often the frame
 * says it, and counted by the streams it touches: nothing else makes so little input cost so much work.
 */
function setInitialWindow(connection: Connection, value: number): void {
  connection.guard.countIdleFrame(connection.nowMs, connection.streams.size / streamsPerIdleFrame);
  const change = value - connection.peerInitialWindow;
  connection.peerInitialWindow = value;
  for (const stream of connection.streams.values()) {
    stream.sendWindow += change;
    if (stream.sendWindow > windowMax)
      throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, "stream window too large");
  }
}

const streamsPerIdleFrame = 64;
