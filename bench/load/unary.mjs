// A load generator that is not the bottleneck: templates with varying keys over raw HTTP/2, a fixed number in flight, replies counted and timed.
import net from "node:net";
import tls from "node:tls";
import { orderOf, randomFrom } from "./random.mjs";
import { templatesOf, writeRequest } from "./requests.mjs";
import { endStream, frame, frameType, greeting } from "./wire.mjs";

const outBytes = 1 << 18;
const slots = 1 << 16;
const timesMax = 1 << 21;
// Made once: a run takes the part that it needs, and none of them has memory to fetch while it is timed.
const times = new Float64Array(timesMax);

class Connection {
  constructor(run, inFlightMax) {
    this.run = run;
    this.inFlightMax = inFlightMax;
    this.inFlight = 0;
    this.nextStream = 1;
    this.sendWindow = 65_535;
    this.unacknowledged = 0;
    this.rest = undefined;
    /** When the request of a stream was sent; 0: none. By the stream's number, around. */
    this.startedAt = new Float64Array(slots);
    /** An answer without a message is a refusal: that is how gRPC's "trailers only" looks from here. */
    this.hasMessage = new Uint8Array(slots);
    this.out = Buffer.allocUnsafeSlow(outBytes);
  }

  start(port) {
    return new Promise((resolve, reject) => {
      this.resolve = resolve;
      const { host, tls: isTls } = this.run.options;
      const begin = () => {
        this.socket.write(greeting());
        this.fill();
      };
      const options = { host, port, ALPNProtocols: ["h2"], rejectUnauthorized: false };
      this.socket = isTls ? tls.connect(options, begin) : net.connect(port, host, begin);
      this.socket.setNoDelay(true);
      this.socket.on("data", (data) => this.read(data));
      this.socket.on("error", reject);
      this.socket.on("close", () => {
        if (this.inFlight > 0) reject(new Error(`the server closed a connection with ${this.inFlight} requests open`));
      });
    });
  }

  fill() {
    const { run } = this;
    const nowMs = performance.now();
    let at = 0;
    while (this.inFlight < this.inFlightMax && run.wantsMore(nowMs)) {
      const template = run.templates.length === 1 ? run.templates[0] : run.pick();
      if (this.sendWindow < template.dataBytes) break;
      if (at + template.bytes.length > this.out.length) {
        this.send(at);
        at = 0;
      }
      const number = run.next();
      const stream = this.nextStream;
      writeRequest(template, this.out, at, { stream, number, numberEnd: number + run.options.span, nowMs });
      at += template.bytes.length;
      this.sendWindow -= template.dataBytes;
      const slot = (stream >> 1) % slots;
      if (this.startedAt[slot] !== 0) throw new Error("a request was overtaken by too many others");
      this.startedAt[slot] = nowMs;
      this.hasMessage[slot] = 0;
      this.nextStream += 2;
      this.inFlight++;
      run.sent++;
    }
    if (at > 0) this.send(at);
    if (this.inFlight === 0 && !run.wantsMore(nowMs)) {
      this.socket.end();
      this.resolve();
    }
  }

  /** A socket may keep what it was given until it has gone, so no byte of the buffer is used twice. */
  send(length) {
    this.socket.write(this.out.subarray(0, length));
    this.out = this.out.length - length > outBytes / 4 ? this.out.subarray(length) : Buffer.allocUnsafeSlow(outBytes);
  }

  read(data) {
    const bytes = this.rest === undefined ? data : Buffer.concat([this.rest, data]);
    const nowMs = performance.now();
    let at = 0;
    while (bytes.length - at >= 9) {
      const length = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];
      if (bytes.length - at < 9 + length) break;
      this.frame(bytes, at, length, nowMs);
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

  frame(bytes, at, length, nowMs) {
    const type = bytes[at + 3];
    const flags = bytes[at + 4];
    if (type !== frameType.data && type !== frameType.headers) {
      this.control(type, flags, bytes, at, length, nowMs);
      return;
    }
    const slot = (bytes.readUInt32BE(at + 5) >> 1) % slots;
    if (type === frameType.data) {
      this.unacknowledged += length;
      if (length > 0) this.hasMessage[slot] = 1;
    }
    if ((flags & endStream) !== 0) this.ended(slot, this.hasMessage[slot] === 1, nowMs);
  }

  control(type, flags, bytes, at, length, nowMs) {
    const isAnswer = (flags & 1) === 1;
    const payload = bytes.subarray(at + 9, at + 9 + length);
    if (type === frameType.settings && !isAnswer) this.socket.write(frame(frameType.settings, 1, 0, Buffer.alloc(0)));
    if (type === frameType.ping && !isAnswer) this.socket.write(frame(frameType.ping, 1, 0, payload));
    const stream = bytes.readUInt32BE(at + 5);
    if (type === frameType.windowUpdate && stream === 0) this.sendWindow += payload.readUInt32BE(0);
    if (type === frameType.goAway) this.run.errors++;
    if (type === frameType.reset) this.ended((stream >> 1) % slots, false, nowMs);
  }

  ended(slot, isGood, nowMs) {
    const startedAt = this.startedAt[slot];
    if (startedAt === 0) return;
    this.startedAt[slot] = 0;
    this.inFlight--;
    this.run.answered(startedAt, nowMs, isGood);
  }
}

/** One run: how much to send, what is counted, and when. */
class Run {
  sent = 0;
  errors = 0;
  done = 0;
  #phase = "warming";
  #beganMs;

  constructor(options) {
    this.options = options;
    this.templates = templatesOf(options);
    const random = randomFrom(options.seed);
    const last = Math.max(1, options.keys - options.span);
    const order = options.sequential ? orderOf(options.keys) : undefined;
    let turn = 0;
    this.next = () => (order === undefined ? Math.floor(random() * last) : order(turn++ % options.keys));
    this.pick = () => this.templates[Math.floor(random() * this.templates.length)];
    this.#beganMs = performance.now();
    if (options.seconds === undefined) this.#count(this.#beganMs);
  }

  wantsMore(nowMs) {
    const { n, seconds, warmSeconds } = this.options;
    if (seconds === undefined) return this.sent < n;
    return nowMs - this.#beganMs < (seconds + warmSeconds) * 1000;
  }

  answered(startedAt, nowMs, isGood) {
    if (!isGood) this.errors++;
    this.options.onTime?.(nowMs - startedAt);
    if (this.#phase === "warming" && nowMs - this.#beganMs >= this.options.warmSeconds * 1000) this.#count(nowMs);
    else if (this.#phase === "counting") {
      times[this.done++ % timesMax] = nowMs - startedAt;
      this.lastMs = nowMs;
      if (!this.wantsMore(nowMs) && this.options.seconds !== undefined) this.#close();
    }
  }

  #count(nowMs) {
    this.#phase = "counting";
    this.countedFrom = nowMs;
    this.lastMs = nowMs;
    this.cpuBefore = process.cpuUsage();
    this.options.onCounting?.();
  }

  #close() {
    this.#phase = "over";
    this.cpu = process.cpuUsage(this.cpuBefore);
    this.options.onCounted?.();
  }

  result() {
    if (this.#phase === "counting") this.#close();
    const seconds = (this.lastMs - this.countedFrom) / 1000;
    const sorted = times.slice(0, Math.min(this.done, timesMax)).sort();
    const at = (share) => Math.round((sorted[Math.floor((sorted.length - 1) * share)] ?? 0) * 1000);
    const used = this.cpu === undefined ? 0 : (this.cpu.user + this.cpu.system) / 1e6;
    return {
      op: this.options.op,
      done: this.done,
      errors: this.errors,
      perSecond: seconds === 0 ? 0 : this.done / seconds,
      p50us: at(0.5),
      p99us: at(0.99),
      loadCores: seconds === 0 ? 0 : used / seconds,
    };
  }
}

const defaults = {
  host: "127.0.0.1",
  n: 100_000,
  warmSeconds: 0,
  inflight: 400,
  connections: 4,
  keys: 100_000,
  span: 0,
  value: 256,
  limit: 100,
  seed: 1,
  sequential: false,
  tls: false,
};

/**
 * Runs one load and says how it went.
 * @param given `op` and `port` at least. With `seconds` it runs that long, after `warmSeconds` that do not count; else it sends `n` requests. `ports`
 *   instead of `port` spreads the connections over several members. `onCounting` and `onCounted` are called where counting begins and ends.
 * @returns requests per second, times in microseconds from the moment a request is handed to its socket, and the processors that the generator took.
 */
export async function runLoad(given) {
  const ports = given.ports ?? [given.port];
  const options = { ...defaults, ...given, port: ports[0] };
  const run = new Run(options);
  const perConnection = Math.max(1, Math.floor(options.inflight / options.connections));
  const connections = Array.from({ length: options.connections }, (_, i) => {
    const connection = new Connection(run, perConnection);
    return { connection, port: ports[i % ports.length] };
  });
  await Promise.all(connections.map(({ connection, port }) => connection.start(port)));
  return run.result();
}
