import { randomBytes } from "node:crypto";

/** The request that asks for a WebSocket (RFC 6455, section 4.1). */
export function upgradeHeaders(): Record<string, string> {
  return {
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
  };
}

/** One text message in one masked frame, as a client has to send it. */
export function textFrame(text: string): Buffer {
  const payload = Buffer.from(text);
  const mask = randomBytes(4);
  const masked = payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  let head: Buffer;
  if (payload.length < 126) {
    head = Buffer.from([0x81, 0x80 | payload.length]);
  } else if (payload.length < 65_536) {
    head = Buffer.from([0x81, 0x80 | 126, payload.length >> 8, payload.length & 255]);
  } else {
    head = Buffer.alloc(10);
    head[0] = 0x81;
    head[1] = 0x80 | 127;
    head.writeBigUInt64BE(BigInt(payload.length), 2);
  }
  return Buffer.concat([head, mask, masked]);
}

/** The text and binary messages in what a server has sent so far; the rest of an unfinished frame is left out. */
export function readMessages(bytes: Buffer): string[] {
  const messages: string[] = [];
  let parts: Buffer[] = [];
  let at = 0;
  while (at + 2 <= bytes.length) {
    const opcode = (bytes[at] ?? 0) & 15;
    const isFinal = (bytes[at] ?? 0) >= 128;
    let length = (bytes[at + 1] ?? 0) & 127;
    let start = at + 2;
    if (length === 126) {
      if (start + 2 > bytes.length) break;
      length = bytes.readUInt16BE(start);
      start += 2;
    } else if (length === 127) {
      if (start + 8 > bytes.length) break;
      length = Number(bytes.readBigUInt64BE(start));
      start += 8;
    }
    if (start + length > bytes.length) break;
    if (opcode <= 2) {
      parts.push(bytes.subarray(start, start + length));
      if (isFinal) {
        messages.push(Buffer.concat(parts).toString("utf8"));
        parts = [];
      }
    }
    at = start + length;
  }
  return messages;
}
