// HTTP/2 frames, header blocks and protobuf fields, as far as a load generator needs them: it only says what it means to say.

export const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
export const frameType = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 };
export const endStream = 1;
export const endHeaders = 4;
/** Room for answers: so much that a server never waits for us. */
export const ownWindowBytes = 0x3fff_ffff;

function varint(value) {
  const bytes = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

export const bytesField = (number, bytes) =>
  Buffer.concat([varint(number * 8 + 2), varint(bytes.length), Buffer.from(bytes)]);

export function numberField(number, value) {
  if (typeof value === "number") return Buffer.concat([varint(number * 8), varint(value)]);
  const bytes = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.concat([varint(number * 8), Buffer.from([...bytes, Number(rest)])]);
}

export function frame(type, flags, stream, payload) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** The five bytes before each gRPC message, and the message. */
export function grpcMessage(message) {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

const literal = (name, value) =>
  Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]);

/** The header block of a call, without the dynamic table, so that one serves all streams. */
export function headerBlock({ path, authority, isTls }) {
  return Buffer.concat([
    Buffer.from([0x83, isTls ? 0x87 : 0x86]), // :method POST, :scheme https or http
    literal(":path", path),
    literal(":authority", authority),
    literal("content-type", "application/grpc"),
    literal("te", "trailers"),
  ]);
}

/** What a connection begins with. */
export function greeting() {
  const initialWindow = Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff]);
  const window = Buffer.alloc(4);
  window.writeUInt32BE(ownWindowBytes);
  const settings = frame(frameType.settings, 0, 0, initialWindow);
  return Buffer.concat([preface, settings, frame(frameType.windowUpdate, 0, 0, window)]);
}

/**
 * Calls `visit(field, at, end)` for the fields of a message that is `bytes` from `at` to `end`; a number's place is where its varint begins.
 * Fields of 32 and 64 fixed bits do not occur in what is read here.
 */
export function visitFields(bytes, from, end, visit) {
  let at = from;
  while (at < end) {
    const tag = bytes[at++];
    let length = 0;
    if ((tag & 7) === 2) {
      for (let shift = 0; ; shift += 7) {
        const byte = bytes[at++];
        length |= (byte & 127) << shift;
        if (byte < 128) break;
      }
      visit(tag >> 3, at, at + length);
      at += length;
    } else {
      const start = at;
      while (bytes[at] >= 128) at++;
      at++;
      visit(tag >> 3, start, at);
    }
  }
}

/** A varint as a number; exact up to 2^53. */
export function readNumber(bytes, at) {
  let value = 0;
  let factor = 1;
  for (let i = at; ; i++) {
    value += (bytes[i] & 127) * factor;
    if (bytes[i] < 128) return value;
    factor *= 128;
  }
}

/** A varint of 64 bits, exact. */
export function readBigNumber(bytes, at) {
  let value = 0n;
  let shift = 0n;
  for (let i = at; ; i++, shift += 7n) {
    value |= BigInt(bytes[i] & 127) << shift;
    if (bytes[i] < 128) return value;
  }
}
