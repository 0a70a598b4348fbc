import { TraceFlags } from "@opentelemetry/api";
import type { LogIndex, MemberId, Term } from "@quorate/common";
import { encodeMessage, type RaftMessage } from "@quorate/raft";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  decodeFrameBody,
  decodeFrameHead,
  encodeFrameHead,
  encodeMessageHead,
  encodeTraces,
  isFrameFault,
} from "../../src/core/peer-frame.js";

const sender = 2n as MemberId;
const head = { life: 2 ** 47 + 5, to: 0, number: 300 };
const heartbeat: RaftMessage = { kind: "heartbeat", term: 3 as Term, commit: 9 as LogIndex, read: 1 };
const proposal: RaftMessage = { kind: "propose", entries: [{ kind: "normal", data: new Uint8Array([1, 2]) }] };

/** A frame of these messages, each with the member it began at. */
function buildFrame(messages: readonly (readonly [RaftMessage, MemberId?])[], ...rest: Uint8Array[]): Uint8Array {
  const parts = messages.flatMap(([message, from]) => {
    const bytes = encodeMessage(message);
    return [encodeMessageHead(bytes.length, from), bytes];
  });
  return new Uint8Array(Buffer.concat([encodeFrameHead(head), ...parts, ...rest]));
}

function open(frame: Uint8Array) {
  const { start, ...rest } = decodeFrameHead(frame);
  return { head: rest.head, delivered: decodeFrameBody(frame, start, sender) };
}

function faultOf(frame: Uint8Array): string {
  try {
    open(frame);
    return "none";
  } catch (error) {
    if (!isFrameFault(error)) throw error;
    return error.message;
  }
}

describe("a frame", () => {
  it("brings head and messages, each from the member it began at, to the other side", () => {
    const other = 7n as MemberId;
    const frame = buildFrame([[heartbeat], [proposal, other], [heartbeat]]);
    expect(open(frame)).toEqual({
      head,
      delivered: [
        { from: sender, message: heartbeat, traces: undefined },
        { from: other, message: proposal, traces: undefined },
        { from: sender, message: heartbeat, traces: undefined },
      ],
    });
  });

  it("brings the spans of entries beside their message", () => {
    const span = { traceId: "ab".repeat(16), spanId: "cd".repeat(8), traceFlags: TraceFlags.SAMPLED };
    const frame = buildFrame([[proposal]], encodeTraces(new Map([[0, span]])));
    expect(open(frame).delivered[0]?.traces?.get(0)).toEqual({ ...span, isRemote: true });
  });

  it("is refused when a member speaks in another's name of what only the leader or a voter may say", () => {
    expect(faultOf(buildFrame([[heartbeat, 7n as MemberId]]))).toContain("another member's name");
  });

  it("is refused with a snapshot in it, traces of nothing, or a kind of another version", () => {
    const confState = { voters: [sender], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
    const snapshot = { index: 1 as LogIndex, term: 1 as Term, confState, data: new Uint8Array(0) };
    expect(faultOf(buildFrame([[{ kind: "snapshot", term: 1 as Term, snapshot }]]))).toContain("snapshot");
    expect(faultOf(buildFrame([], encodeTraces(new Map())))).toContain("traces");
    expect(faultOf(buildFrame([[heartbeat]], new Uint8Array([9, 0])))).toContain("unknown section");
  });

  it("fails in a known way, whatever the bytes are", () => {
    const good = buildFrame([[heartbeat], [proposal, 7n as MemberId]]);
    const damaged = fc.tuple(fc.nat(good.length - 1), fc.nat(255)).map(([at, byte]) => {
      const bytes = good.slice();
      bytes[at] = byte;
      return bytes;
    });
    const cut = fc.nat(good.length).map((length) => good.subarray(0, length));
    fc.assert(
      fc.property(fc.oneof(damaged, cut, fc.uint8Array({ maxLength: 60 })), (bytes) => {
        faultOf(bytes); // throws what is no fault of the bytes
      }),
      { numRuns: 2000 },
    );
  });
});
