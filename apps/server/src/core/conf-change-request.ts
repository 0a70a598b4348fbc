import type { ConfChange } from "@quorate/raft";
import { two32, type RequestId } from "./entry-codec.js";

/** The first byte of a context that has a request id in front. A founder's context is JSON, which never begins with it. */
const mark = 1;
const idBytes = 8;

/** Puts the id of the request that asks for a change into the change, so that who proposed it knows it when it is applied. */
export function stampConfChange(change: ConfChange, id: RequestId): ConfChange {
  const context = new Uint8Array(1 + idBytes + change.context.length);
  const view = new DataView(context.buffer);
  context[0] = mark;
  view.setUint16(1, id.member);
  view.setUint16(3, Math.floor(id.serial / two32));
  view.setUint32(5, id.serial % two32);
  context.set(change.context, 1 + idBytes);
  return { ...change, context };
}

/** Takes the id out again; absent in the change of a founder, or one that the consensus core made itself. */
export function readConfChange(change: ConfChange): { change: ConfChange; id: RequestId | undefined } {
  const { context } = change;
  if (context.length <= idBytes || context[0] !== mark) return { change, id: undefined };
  const view = new DataView(context.buffer, context.byteOffset, context.length);
  const id = { member: view.getUint16(1), serial: view.getUint16(3) * two32 + view.getUint32(5) };
  return { change: { ...change, context: context.subarray(1 + idBytes) }, id };
}
