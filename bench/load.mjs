// A load generator that is not the bottleneck: pre-built gRPC frames with varying keys over raw HTTP/2, a fixed number in flight, replies counted and
// timed. It takes a few microseconds a request; `loadCores` in its answer says how much of the machine that was.
//
// node bench/load.mjs --port P --op put|hot|get|getser|list [--n 100000] [--inflight 400] [--connections 4] [--keys 100000] [--value 256] [--limit 100]
//   [--seed 1] [--sequential] [--host 127.0.0.1]
// Prints one line of JSON: op, done, errors, perSecond, p50us, p99us, loadCores.
import net from "node:net";
import { parseArgs } from "node:util";

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const frameType = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goAway: 7, windowUpdate: 8 };
const ownWindowBytes = 0x3fff_ffff;

/** A random number from 0 to 1, the same sequence for the same seed. */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

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

const bytesField = (number, bytes) => Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
const numberField = (number, value) => Buffer.concat([varint(number * 8), varint(value)]);

/** The key of a number, the same for every run. */
export const keyOf = (number) => Buffer.from(`/bench/${String(number).padStart(12, "0")}`);
const first = Buffer.from("/bench/");
const afterLast = Buffer.from("/bench0");

/** One request body of an operation, with a key drawn by `next`. */
function bodyOf(options, next) {
  const value = Buffer.alloc(options.value, "x");
  switch (options.op) {
    case "put":
    case "hot":
      return () => Buffer.concat([bytesField(1, keyOf(options.op === "hot" ? 0 : next())), bytesField(2, value)]);
    case "get":
      return () => bytesField(1, keyOf(next()));
    case "getser":
      return () => Buffer.concat([bytesField(1, keyOf(next())), numberField(7, 1)]);
    case "list":
      return () => Buffer.concat([bytesField(1, first), bytesField(2, afterLast), numberField(3, options.limit)]);
    default:
      throw new Error(`unknown op ${options.op}`);
  }
}

function frame(type, flags, stream, payload) {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const literal = (name, value) =>
  Buffer.concat([Buffer.from([0, name.length]), Buffer.from(name), Buffer.from([value.length]), Buffer.from(value)]);

/** The header block of a call, without the dynamic table, so that one serves all streams. */
function headerBlock(options) {
  const method = options.op === "put" || options.op === "hot" ? "Put" : "Range";
  return Buffer.concat([
    Buffer.from([0x83, 0x86]), // :method POST, :scheme http
    literal(":path", `/etcdserverpb.KV/${method}`),
    literal(":authority", `${options.host}:${options.port}`),
    literal("content-type", "application/grpc"),
    literal("te", "trailers"),
  ]);
}

class Connection {
  constructor(run, inFlightMax) {
    this.run = run;
    this.inFlightMax = inFlightMax;
    this.open = new Map();
    this.nextStream = 1;
    this.sendWindow = 65_535;
    this.unacknowledged = 0;
    this.rest = undefined;
  }

  start() {
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      const { host, port } = this.run.options;
      this.socket = net.connect(port, host, () => {
        const settings = Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff]);
        const window = Buffer.alloc(4);
        window.writeUInt32BE(ownWindowBytes);
        this.socket.write(Buffer.concat([preface, frame(4, 0, 0, settings), frame(8, 0, 0, window)]));
        this.fill();
      });
      this.socket.setNoDelay(true);
      this.socket.on("data", (data) => this.read(data));
      this.socket.on("error", reject);
      this.socket.on("close", () => {
        if (this.open.size > 0)
          reject(new Error(`the server closed a connection with ${this.open.size} requests open`));
      });
    });
  }

  fill() {
    const out = [];
    const { run } = this;
    while (this.open.size < this.inFlightMax && run.sent < run.options.n) {
      const message = run.body();
      const payload = Buffer.alloc(5 + message.length);
      payload.writeUInt32BE(message.length, 1);
      message.copy(payload, 5);
      if (this.sendWindow < payload.length) break;
      this.sendWindow -= payload.length;
      out.push(
        frame(frameType.headers, 4, this.nextStream, run.block),
        frame(frameType.data, 1, this.nextStream, payload),
      );
      this.open.set(this.nextStream, performance.now());
      this.nextStream += 2;
      run.sent++;
    }
    if (out.length > 0) this.socket.write(Buffer.concat(out));
    if (run.sent >= run.options.n && this.open.size === 0) {
      this.socket.end();
      this.resolve();
    }
  }

  read(data) {
    const bytes = this.rest === undefined ? data : Buffer.concat([this.rest, data]);
    let at = 0;
    while (bytes.length - at >= 9) {
      const length = bytes.readUIntBE(at, 3);
      if (bytes.length - at < 9 + length) break;
      this.frame(
        bytes[at + 3],
        bytes[at + 4],
        bytes.readUInt32BE(at + 5) & 0x7fff_ffff,
        bytes.subarray(at + 9, at + 9 + length),
      );
      at += 9 + length;
    }
    this.rest = at < bytes.length ? bytes.subarray(at) : undefined;
    if (this.unacknowledged > 1 << 24) {
      const window = Buffer.alloc(4);
      window.writeUInt32BE(this.unacknowledged);
      this.unacknowledged = 0;
      this.socket.write(frame(frameType.windowUpdate, 0, 0, window));
    }
    this.fill();
  }

  frame(type, flags, stream, payload) {
    if (type === frameType.data) this.unacknowledged += payload.length;
    if (type === frameType.settings && (flags & 1) === 0) this.socket.write(frame(4, 1, 0, Buffer.alloc(0)));
    if (type === frameType.ping && (flags & 1) === 0) this.socket.write(frame(6, 1, 0, payload));
    if (type === frameType.windowUpdate && stream === 0) this.sendWindow += payload.readUInt32BE(0);
    if (type === frameType.goAway) this.run.errors++;
    const isEnd = (type === frameType.data || type === frameType.headers) && (flags & 1) === 1;
    if (!isEnd && type !== frameType.reset) return;
    const startedAt = this.open.get(stream);
    if (startedAt === undefined) return;
    this.open.delete(stream);
    // A refused call carries its reason in the trailers; a good one has none.
    if (type === frameType.reset || payload.includes("grpc-message")) this.run.errors++;
    const ms = performance.now() - startedAt;
    this.run.times[this.run.done++] = ms;
    this.run.options.onTime?.(ms);
  }
}

/** Runs one load and says how it went. Times are in microseconds. */
export async function runLoad(given) {
  const options = {
    host: "127.0.0.1",
    n: 100_000,
    inflight: 400,
    connections: 4,
    keys: 100_000,
    value: 256,
    limit: 100,
    seed: 1,
    sequential: false,
    ...given,
  };
  const random = randomFrom(options.seed);
  let sequence = 0;
  const next = () => (options.sequential ? sequence++ % options.keys : Math.floor(random() * options.keys));
  const run = {
    options,
    block: headerBlock(options),
    body: bodyOf(options, next),
    sent: 0,
    done: 0,
    errors: 0,
    times: new Float64Array(options.n),
  };
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  const perConnection = Math.max(1, Math.floor(options.inflight / options.connections));
  await Promise.all(Array.from({ length: options.connections }, () => new Connection(run, perConnection).start()));
  const seconds = (performance.now() - startedAt) / 1000;
  const used = process.cpuUsage(cpu);
  const times = run.times.subarray(0, run.done).sort();
  const at = (share) => Math.round((times[Math.min(run.done - 1, Math.floor(run.done * share))] ?? 0) * 1000);
  return {
    op: options.op,
    done: run.done,
    errors: run.errors,
    perSecond: Math.round(run.done / seconds),
    p50us: at(0.5),
    p99us: at(0.99),
    loadCores: Number(((used.user + used.system) / 1e6 / seconds).toFixed(2)),
  };
}

if (process.argv[1] === import.meta.filename) {
  const text = { type: "string" };
  const { values } = parseArgs({
    options: {
      port: text,
      host: text,
      op: text,
      n: text,
      inflight: text,
      connections: text,
      keys: text,
      value: text,
      limit: text,
      seed: text,
      sequential: { type: "boolean" },
    },
  });
  const numbers = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      ["host", "op", "sequential"].includes(name) ? value : Number(value),
    ]),
  );
  console.log(JSON.stringify(await runLoad({ op: "put", ...numbers })));
}
