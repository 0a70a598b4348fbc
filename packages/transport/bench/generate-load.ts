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

/** One connection with its share of the requests in flight. */
class LoadConnection {
  private readonly socket = connect(port, "127.0.0.1").setNoDelay(true);
  private readonly begun = new Map<number, number>();
  private readonly quota: number;
  private nextId = 1;
  private rest: Buffer | undefined;
  private consumed = 0;
  private finished: () => void = () => {};

  constructor(quota: number) {
    this.quota = quota;
  }

  run(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.finished = resolve;
      this.socket.on("connect", () => {
        const settings = frame(4, 0, 0, Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff]));
        const window = frame(8, 0, 0, Buffer.from([0x3f, 0xff, 0xff, 0xff]));
        this.socket.write(Buffer.concat([Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), settings, window]));
        this.fill();
      });
      this.socket.on("data", (chunk: Buffer) => this.receive(chunk));
      this.socket.on("error", reject);
    });
  }

  private fill(): void {
    const count = Math.min(this.quota - this.begun.size, requests - sent);
    if (count > 0) {
      const out = Buffer.allocUnsafe(count * requestFrames.length);
      const now = performance.now();
      for (let i = 0; i < count; i++) {
        const at = i * requestFrames.length;
        requestFrames.copy(out, at);
        out.writeUInt32BE(this.nextId, at + 5);
        out.writeUInt32BE(this.nextId, at + dataOffset + 5);
        this.begun.set(this.nextId, now);
        this.nextId += 2;
      }
      sent += count;
      this.socket.write(out);
    }
    if (sent < requests || this.begun.size > 0) return;
    this.socket.end();
    this.finished();
  }

  private receive(chunk: Buffer): void {
    const all = this.rest === undefined ? chunk : Buffer.concat([this.rest, chunk]);
    let at = 0;
    while (all.length - at >= 9) {
      const length = all.readUIntBE(at, 3);
      if (all.length - at < 9 + length) break;
      this.onFrame(all[at + 3] as number, all[at + 4] as number, all.readUInt32BE(at + 5), length);
      at += 9 + length;
    }
    this.rest = at < all.length ? all.subarray(at) : undefined;
    if (this.consumed > 1 << 24) {
      const window = Buffer.alloc(4);
      window.writeUInt32BE(this.consumed);
      this.socket.write(frame(8, 0, 0, window));
      this.consumed = 0;
    }
    this.fill();
  }

  private onFrame(type: number, flags: number, id: number, length: number): void {
    if (type === 0) this.consumed += length;
    if (type === 4 && (flags & 1) === 0) this.socket.write(frame(4, 1, 0, Buffer.alloc(0)));
    if (type === 7 || type === 3) errors++;
    const start = this.begun.get(id);
    if (start === undefined || !(type === 3 || (type === 1 && (flags & 1) !== 0))) return;
    this.begun.delete(id);
    times[done++] = performance.now() - start;
  }
}

const begin = performance.now();
await Promise.all(
  Array.from({ length: connections }, () => new LoadConnection(Math.max(1, Math.floor(inFlight / connections))).run()),
);
const seconds = (performance.now() - begin) / 1000;
const sorted = times.subarray(0, done).slice().sort();
const at = (part: number): number => Math.round((sorted[Math.floor(done * part)] as number) * 1000);
process.stdout.write(
  `${JSON.stringify({ perSecond: Math.round(done / seconds), p50: at(0.5), p99: at(0.99), errors })}\n`,
);
