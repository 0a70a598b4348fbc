/**
 * Load for a unary method: pre-encoded gRPC frames over raw HTTP/2 with many requests in flight, so that the server is what is measured.
 * node bench/generate-load.ts PORT REQUESTS IN_FLIGHT CONNECTIONS BYTES [PATH]. Prints a JSON line: requests per second, p50 and p99 in microseconds, errors.
 */
import { connect } from "node:net";

const [port, requests, inFlight, connections, bytes] = process.argv.slice(2, 7).map(Number) as [
  number,
  number,
  number,
  number,
  number,
];
const path = process.argv[7] ?? "/bench.Echo/Unary";

const literal = (name: string, value: string): Buffer =>
  Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]);

function frame(type: number, flags: number, id: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(id, 5);
  return Buffer.concat([head, payload]);
}

const block = Buffer.concat([
  Buffer.from([0x83, 0x86]),
  literal(":path", path),
  literal(":authority", "127.0.0.1"),
  literal("content-type", "application/grpc"),
  literal("te", "trailers"),
]);
const message = Buffer.alloc(5 + bytes, "x");
message[0] = 0;
message.writeUInt32BE(bytes, 1);
const requestFrames = Buffer.concat([frame(1, 4, 0, block), frame(0, 1, 0, message)]);
const dataOffset = 9 + block.length;

const times = new Float64Array(requests);
let sent = 0;
let done = 0;
let errors = 0;

function run(quota: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1").setNoDelay(true);
    const begun = new Map<number, number>();
    let nextId = 1;
    let rest: Buffer | undefined;
    let consumed = 0;
    const fill = (): void => {
      const count = Math.min(quota - begun.size, requests - sent);
      if (count > 0) {
        const out = Buffer.allocUnsafe(count * requestFrames.length);
        const now = performance.now();
        for (let i = 0; i < count; i++) {
          const at = i * requestFrames.length;
          requestFrames.copy(out, at);
          out.writeUInt32BE(nextId, at + 5);
          out.writeUInt32BE(nextId, at + dataOffset + 5);
          begun.set(nextId, now);
          nextId += 2;
        }
        sent += count;
        socket.write(out);
      }
      if (sent >= requests && begun.size === 0) {
        socket.end();
        resolve();
      }
    };
    const finish = (id: number): void => {
      const start = begun.get(id);
      if (start === undefined) return;
      begun.delete(id);
      times[done++] = performance.now() - start;
    };
    socket.on("connect", () => {
      const settings = Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff]);
      const window = Buffer.from([0x3f, 0xff, 0xff, 0xff]);
      socket.write(
        Buffer.concat([
          Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
          frame(4, 0, 0, settings),
          frame(8, 0, 0, window),
        ]),
      );
      fill();
    });
    socket.on("data", (chunk: Buffer) => {
      const all = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
      let at = 0;
      while (all.length - at >= 9) {
        const length = all.readUIntBE(at, 3);
        if (all.length - at < 9 + length) break;
        const type = all[at + 3];
        const flags = all[at + 4] as number;
        const id = all.readUInt32BE(at + 5);
        if (type === 0) consumed += length;
        if (type === 4 && (flags & 1) === 0) socket.write(frame(4, 1, 0, Buffer.alloc(0)));
        if (type === 7) errors++;
        if (type === 3) errors++;
        if ((type === 1 && (flags & 1) !== 0) || type === 3) finish(id);
        at += 9 + length;
      }
      rest = at < all.length ? all.subarray(at) : undefined;
      if (consumed > 1 << 24) {
        const window = Buffer.alloc(4);
        window.writeUInt32BE(consumed);
        socket.write(frame(8, 0, 0, window));
        consumed = 0;
      }
      fill();
    });
    socket.on("error", reject);
  });
}

const begin = performance.now();
await Promise.all(Array.from({ length: connections }, () => run(Math.max(1, Math.floor(inFlight / connections)))));
const seconds = (performance.now() - begin) / 1000;
const sorted = times.subarray(0, done).slice().sort();
const at = (part: number): number => Math.round((sorted[Math.floor(done * part)] as number) * 1000);
process.stdout.write(
  `${JSON.stringify({ perSecond: Math.round(done / seconds), p50: at(0.5), p99: at(0.99), errors })}\n`,
);
