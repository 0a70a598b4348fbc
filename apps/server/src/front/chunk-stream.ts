import type { StreamCall } from "@quorate/transport";
import { type Fault, publicError } from "../public-errors.js";
import type { Front } from "./front.js";

function fail(call: StreamCall, fault: Fault): void {
  const { status, message } = publicError(fault);
  call.fail({ code: status, message });
}

/**
 * Answers a call with pieces that the core makes one at a time: the next one is asked for when the last has gone into the socket's buffer and that is
 * not too full, so that a slow reader holds one piece and not the whole answer.
 * @param ask puts the question under the number given.
 */
function open(front: Front, call: StreamCall, ask: (serial: number) => void): void {
  const serial = front.expectChunks({
    chunk: (parts, last) => {
      if (call.isOver) return;
      const hasRoom = call.sendParts(parts);
      if (last) call.end();
      else if (hasRoom) front.link.send({ kind: "pull", serial });
      else call.onDrain(() => front.link.send({ kind: "pull", serial }));
    },
    fail: (fault) => {
      if (!call.isOver) fail(call, fault);
    },
  });
  front.leaderStreams.join(call, (fault) => {
    front.forgetChunks(serial);
    fail(call, fault);
  });
  call.onCancel(() => front.forgetChunks(serial));
  ask(serial);
}

/** Streams of pieces. */
export const streamChunks = { open, fail };
