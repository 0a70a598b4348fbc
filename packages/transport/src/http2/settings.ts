import type { Connection } from "./connection.js";
import { ConnectionError, ErrorCode, Flag, FrameType, Setting, windowMax } from "./protocol.js";

/** A SETTINGS frame of the peer. @throws ConnectionError */
export function onSettings(connection: Connection, bytes: Buffer, start: number, length: number, flags: number): void {
  if ((flags & Flag.ACK) !== 0) {
    if (length !== 0) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "settings acknowledgement with content");
    return;
  }
  if (length % 6 !== 0) throw new ConnectionError(ErrorCode.FRAME_SIZE_ERROR, "settings of a wrong size");
  if (connection.hasSettings) connection.guard.countIdleFrame(connection.nowMs);
  connection.hasSettings = true;
  for (let at = start; at < start + length; at += 6) {
    apply(connection, bytes.readUInt16BE(at), bytes.readUInt32BE(at + 2));
  }
  connection.output.frame(FrameType.SETTINGS, Flag.ACK, 0, Buffer.alloc(0));
  connection.touch();
}

function apply(connection: Connection, name: number, value: number): void {
  switch (name) {
    case Setting.HEADER_TABLE_SIZE:
      connection.blocks.resize(value);
      return;
    case Setting.ENABLE_PUSH:
      if (value > 1) throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "push is neither on nor off");
      return;
    case Setting.INITIAL_WINDOW_SIZE:
      setInitialWindow(connection, value);
      return;
    case Setting.MAX_FRAME_SIZE:
      if (value < 16_384 || value > 16_777_215)
        throw new ConnectionError(ErrorCode.PROTOCOL_ERROR, "frame size out of range");
      connection.peerFrameBytes = Math.min(value, 65_536 - 9); // a frame fits an output buffer
      return;
    default: // the rest does not concern a server that sends no pushes and short header lists
  }
}

/** Applies to open streams as well; their windows may go below zero (RFC 9113 section 6.9.2). */
function setInitialWindow(connection: Connection, value: number): void {
  if (value > windowMax) throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, "initial window too large");
  const change = value - connection.peerInitialWindow;
  connection.peerInitialWindow = value;
  for (const stream of [...connection.streams.values()]) {
    stream.sendWindow += change;
    if (stream.sendWindow > windowMax)
      throw new ConnectionError(ErrorCode.FLOW_CONTROL_ERROR, "stream window too large");
    if (change > 0) connection.pump(stream);
  }
}
