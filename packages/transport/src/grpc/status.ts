/** gRPC status codes. */
export const Code = {
  OK: 0,
  Canceled: 1,
  Unknown: 2,
  InvalidArgument: 3,
  DeadlineExceeded: 4,
  NotFound: 5,
  AlreadyExists: 6,
  PermissionDenied: 7,
  ResourceExhausted: 8,
  FailedPrecondition: 9,
  Aborted: 10,
  OutOfRange: 11,
  Unimplemented: 12,
  Internal: 13,
  Unavailable: 14,
  DataLoss: 15,
  Unauthenticated: 16,
} as const;

/** A gRPC status code: one of `Code`, or another number that a peer understands. */
export type Code = number;

/** How a call ended. `message` is any text, `details` an encoded google.rpc.Status. */
export type Status = { readonly code: Code; readonly message: string; readonly details?: Uint8Array };

const textEncoder = new TextEncoder();

/** Percent-encodes a status message: UTF-8 bytes outside 0x20..0x7e, and `%` ("gRPC over HTTP2", Status-Message). */
export function encodeStatusMessage(message: string): string {
  if (!/[^\x20-\x24\x26-\x7e]/.test(message)) return message;
  let text = "";
  for (const byte of textEncoder.encode(message)) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    text += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return text;
}
