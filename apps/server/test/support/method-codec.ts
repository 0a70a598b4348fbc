import { codecOf, type MessageCodec, services } from "@quorate/proto";
import type { FakeUnary } from "./fake-call.js";
import { messageOf, type PlainMessage, plainOf } from "./plain.js";

/** How a call ended: with its decoded answer, or with code and text. */
export type Answer = Readonly<{ ok: PlainMessage } | { error: Readonly<{ code: number; message: string }> }>;

const codecs = new Map<string, { request: MessageCodec<unknown>; response: MessageCodec<unknown> }>();

/** The path of a method like "KV/Put". */
export const pathOf = (method: string): string => `/etcdserverpb.${method}`;

/** The codecs of a method like "KV/Put". */
export function codecsOf(method: string): { request: MessageCodec<unknown>; response: MessageCodec<unknown> } {
  const known = codecs.get(method);
  if (known !== undefined) return known;
  const found = findCodecs(method);
  codecs.set(method, found);
  return found;
}

export function encodeRequest(method: string, request: PlainMessage): Uint8Array {
  return codecsOf(method).request.encode(messageOf(request) as object);
}

export function decodeResponse(method: string, message: Uint8Array): PlainMessage {
  return plainOf(codecsOf(method).response.decode(message)) as PlainMessage;
}

/** How a unary call ended. */
export function answerOf(method: string, call: FakeUnary): Answer {
  const { status } = call;
  if (status === undefined) throw new Error(`${method} was not answered`);
  if (call.ends !== 1) throw new Error(`${method} was ended ${call.ends} times`);
  if (status.code !== 0) return { error: { code: status.code, message: status.message } };
  return { ok: decodeResponse(method, call.message as Uint8Array) };
}

function findCodecs(method: string): { request: MessageCodec<unknown>; response: MessageCodec<unknown> } {
  const path = pathOf(method);
  for (const service of services.values()) {
    for (const known of service.methods) {
      if (known.path === path) return { request: codecOf(known.request), response: codecOf(known.response) };
    }
  }
  throw new Error(`no such method: ${method}`);
}
