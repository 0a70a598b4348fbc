import type { Socket } from "node:net";
import type { Timer } from "@quorate/common";
import { clientPreface } from "../http2/protocol.js";

/** What the first bytes of a connection say. "unknown": nothing that is spoken here. */
export type Protocol = "tls" | "http2" | "http1" | "unknown";

const firstLineBytesMax = 4096;
const lineFeed = 10;

/**
 * Tells what a connection speaks: a TLS handshake record, the HTTP/2 preface, or a line `METHOD target HTTP/1.x` of at most 4096 bytes
 * (what Go's cmux takes for HTTP/1). @returns undefined while more bytes are needed.
 */
export function protocolOf(bytes: Buffer): Protocol | undefined {
  if (bytes.length === 0) return undefined;
  if (bytes[0] === 0x16) return "tls";
  const common = Math.min(bytes.length, clientPreface.length);
  if (clientPreface.compare(bytes, 0, common, 0, common) === 0)
    return common === clientPreface.length ? "http2" : undefined;
  const end = bytes.indexOf(lineFeed);
  if (end < 0) return bytes.length < firstLineBytesMax ? undefined : "unknown";
  if (end >= firstLineBytesMax) return "unknown";
  const line = bytes.toString("latin1", 0, end).replace(/\r$/, "");
  return /^[^ ]+ [^ ]+ HTTP\/1\.[0-9]$/.test(line) ? "http1" : "unknown";
}

/**
 * Reads from a socket until `protocolOf` knows, then hands over all that was read. Nothing is read after that.
 * `after` starts the time limit. A socket that ends, fails or is too slow is destroyed and `done` does not run.
 */
export function sniff(
  socket: Socket,
  after: (run: () => void) => Timer,
  done: (protocol: Protocol, bytes: Buffer) => void,
): void {
  let bytes: Buffer = Buffer.alloc(0);
  const stop = (): void => {
    timer.cancel();
    socket.off("readable", onReadable);
    socket.off("end", onGone);
    socket.off("error", onGone);
    socket.off("close", stop);
  };
  const onGone = (): void => {
    stop();
    socket.on("error", () => {}); // destroyed on purpose: what the system says about it does not matter
    socket.destroy();
  };
  const onReadable = (): void => {
    for (let chunk = socket.read() as Buffer | null; chunk !== null; chunk = socket.read() as Buffer | null) {
      bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
      const protocol = protocolOf(bytes);
      if (protocol === undefined) continue;
      stop();
      done(protocol, bytes);
      return;
    }
  };
  const timer = after(onGone);
  socket.on("readable", onReadable);
  socket.on("end", onGone);
  socket.on("error", onGone);
  socket.on("close", stop);
}
