// Calls that stream, and single calls beside them, over one raw HTTP/2 connection: messages are handed over where they lie in the read buffer.
import net from "node:net";
import { bytesField, endHeaders, endStream, frame, frameType, greeting, grpcMessage, headerBlock } from "./wire.mjs";
import { numberField } from "./wire.mjs";

/** One call. `onMessage(bytes, from, end)` is called for each message; the bytes are valid during the call only. */
class Call {
  constructor(connection, number) {
    this.connection = connection;
    this.number = number;
    this.onMessage = () => {};
    /** @type {(isGood: boolean) => void} */
    this.onEnd = () => {};
    this.gathered = undefined;
  }

  send(message, { isLast = false } = {}) {
    this.connection.write(frame(frameType.data, isLast ? endStream : 0, this.number, grpcMessage(message)));
  }

  data(bytes, from, end) {
    let at = from;
    let source = bytes;
    let limit = end;
    if (this.gathered !== undefined) {
      source = Buffer.concat([this.gathered, bytes.subarray(from, end)]);
      this.gathered = undefined;
      at = 0;
      limit = source.length;
    }
    while (limit - at >= 5) {
      const length = source.readUInt32BE(at + 1);
      if (limit - at - 5 < length) break;
      this.onMessage(source, at + 5, at + 5 + length);
      at += 5 + length;
    }
    if (at < limit) this.gathered = Buffer.from(source.subarray(at, limit));
  }
}

/** A connection; requests are small, so flow control of what is sent is only watched, not waited for. */
export class StreamConnection {
  #socket;
  #calls = new Map();
  #nextStream = 1;
  #rest;
  #unacknowledged = 0;
  #waiting = [];
  #authority;
  #isClosing = false;
  #onLost = () => {};

  static open(port, host = "127.0.0.1") {
    const connection = new StreamConnection();
    connection.#authority = `${host}:${port}`;
    return new Promise((resolve, reject) => {
      connection.#socket = net.connect(port, host, () => {
        connection.#socket.write(greeting());
        resolve(connection);
      });
      connection.#socket.setNoDelay(true);
      connection.#socket.on("data", (data) => connection.#read(data));
      connection.#socket.on("error", (error) => {
        reject(error);
        connection.#onLost(error);
      });
      connection.#socket.on("close", () => {
        if (!connection.#isClosing) connection.#onLost(new Error("the server closed a connection"));
      });
    });
  }

  /** Says who wants to know of an unexpected end. */
  onLost(run) {
    this.#onLost = run;
  }

  /** @param path as "/etcdserverpb.Watch/Watch". */
  call(path) {
    const call = new Call(this, this.#nextStream);
    this.#nextStream += 2;
    this.#calls.set(call.number, call);
    const block = headerBlock({ path, authority: this.#authority, isTls: false });
    this.write(frame(frameType.headers, endHeaders, call.number, block));
    return call;
  }

  /** A call with one request and one answer. */
  unary(path, message) {
    const call = this.call(path);
    return new Promise((resolve, reject) => {
      let answer;
      call.onMessage = (bytes, from, end) => {
        answer = Buffer.from(bytes.subarray(from, end));
      };
      call.onEnd = () => (answer === undefined ? reject(new Error(`${path} was refused`)) : resolve(answer));
      call.send(message, { isLast: true });
    });
  }

  /** What is written in one turn leaves together. */
  write(bytes) {
    if (this.#waiting.push(bytes) > 1) return;
    queueMicrotask(() => {
      this.#socket.write(Buffer.concat(this.#waiting));
      this.#waiting = [];
    });
  }

  close() {
    this.#isClosing = true;
    this.#socket.destroy();
  }

  #read(data) {
    const bytes = this.#rest === undefined ? data : Buffer.concat([this.#rest, data]);
    let at = 0;
    while (bytes.length - at >= 9) {
      const length = (bytes[at] << 16) | (bytes[at + 1] << 8) | bytes[at + 2];
      if (bytes.length - at < 9 + length) break;
      this.#frame(bytes, at, at + 9 + length);
      at += 9 + length;
    }
    this.#rest = at < bytes.length ? bytes.subarray(at) : undefined;
    if (this.#unacknowledged > 1 << 22) {
      const window = Buffer.alloc(4);
      window.writeUInt32BE(this.#unacknowledged);
      const streams = [...this.#calls.values()].filter((call) => call.receivedBytes > 0);
      this.#unacknowledged = 0;
      this.write(frame(frameType.windowUpdate, 0, 0, window));
      for (const call of streams) this.#giveBack(call);
    }
  }

  /** A stream lives long: its window has to be given back as well as the connection's. */
  #giveBack(call) {
    const window = Buffer.alloc(4);
    window.writeUInt32BE(call.receivedBytes);
    call.receivedBytes = 0;
    this.write(frame(frameType.windowUpdate, 0, call.number, window));
  }

  #frame(bytes, at, end) {
    const type = bytes[at + 3];
    const flags = bytes[at + 4];
    const stream = bytes.readUInt32BE(at + 5);
    if (type === frameType.settings && (flags & 1) === 0) this.write(frame(frameType.settings, 1, 0, Buffer.alloc(0)));
    if (type === frameType.ping && (flags & 1) === 0) {
      this.write(frame(frameType.ping, 1, 0, Buffer.from(bytes.subarray(at + 9, end))));
    }
    const call = this.#calls.get(stream);
    if (call === undefined) return;
    if (type === frameType.data) {
      this.#unacknowledged += end - at - 9;
      call.receivedBytes = (call.receivedBytes ?? 0) + end - at - 9;
      call.data(bytes, at + 9, end);
    }
    const isOver = (type === frameType.data || type === frameType.headers) && (flags & endStream) !== 0;
    if (isOver || type === frameType.reset) {
      this.#calls.delete(stream);
      call.onEnd(isOver);
    }
  }
}

/** Puts one key. */
export const putMessage = (key, value) => Buffer.concat([bytesField(1, key), bytesField(2, value)]);

/** Asks a watch stream for a watch of one key. */
export const createWatchMessage = (key) => bytesField(1, bytesField(1, key));

/** Grants a lease. */
export const grantMessage = (id, ttlSeconds) => Buffer.concat([numberField(1, ttlSeconds), numberField(2, id)]);

/** Renews a lease. */
export const keepAliveMessage = (id) => numberField(1, id);
