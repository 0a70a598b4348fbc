// Requests as templates: encoded once, with places where the digits of a key, or the time of sending, are filled in for each request.
import { bytesField, endHeaders, endStream, frame, frameType, grpcMessage, headerBlock, numberField } from "./wire.mjs";

const digits = 12;
const prefix = "/bench/";
/** The key of a number, the same for every run. */
export const keyOf = (number) => Buffer.from(prefix + String(number).padStart(digits, "0"));
const first = Buffer.from(prefix);
const afterLast = Buffer.from("/bench0");

// Stand in for keys while a template is made; where they are found, digits go. No other part of a request looks like them.
const mark = (number) => Buffer.from(`${prefix}MARK${String(number).padStart(8, "0")}`);
const key = mark(0);
const keyEnd = mark(1);

/** Eight bytes at the front of a value hold the time of sending, when `stamp` is asked for. */
export const stampBytes = 8;
const stampMark = Buffer.from("STAMP!!!");

function valueBytesOf({ value, stamp }) {
  const bytes = Buffer.alloc(value, "x");
  if (stamp === true) stampMark.copy(bytes);
  return bytes;
}

const range = (from, ...more) => Buffer.concat([bytesField(1, from), ...more]);
const put = (options) => Buffer.concat([bytesField(1, key), bytesField(2, valueBytesOf(options))]);
const serializable = numberField(7, 1);
/** A request inside a transaction. */
const operation = { range: (message) => bytesField(1, message), put: (message) => bytesField(2, message) };

/** "When the key exists, write it and read it, else write it." */
function writeTxn(options) {
  const isGreater = 1;
  const byModRevision = 2;
  const compare = Buffer.concat([
    numberField(1, isGreater),
    numberField(2, byModRevision),
    bytesField(3, key),
    numberField(6, 0),
  ]);
  const write = operation.put(put(options));
  return Buffer.concat([
    bytesField(1, compare),
    bytesField(2, write),
    bytesField(2, operation.range(range(key))),
    bytesField(3, write),
  ]);
}

const readTxn = () =>
  Buffer.concat([bytesField(2, operation.range(range(key))), bytesField(2, operation.range(range(keyEnd)))]);

/** Each operation as [method, message] pairs, of which requests take one at random. `span` is how far the second key is from the first. */
const operations = {
  put: (options) => [["Put", put(options)]],
  get: () => [["Range", range(key)]],
  getser: () => [["Range", range(key, serializable)]],
  range: () => [["Range", range(key, bytesField(2, keyEnd))]],
  rangeser: () => [["Range", range(key, bytesField(2, keyEnd), serializable)]],
  list: ({ limit }) => [["Range", range(first, bytesField(2, afterLast), numberField(3, limit))]],
  txn: (options) => [
    ["Txn", writeTxn(options)],
    ["Txn", readTxn()],
  ],
};

export const operationNames = Object.keys(operations);

function placesOf(bytes, what) {
  const places = [];
  for (let at = bytes.indexOf(what); at >= 0; at = bytes.indexOf(what, at + 1)) places.push(at);
  return places;
}

/**
 * The frames of an operation's requests.
 * @returns templates: `bytes` holds HEADERS and DATA, `streamAt` where stream numbers go, `dataBytes` what counts for flow control.
 */
export function templatesOf(options) {
  const messages = operations[options.op];
  if (messages === undefined) throw new Error(`unknown op ${options.op}; there are ${operationNames.join(", ")}`);
  return messages(options).map(([method, message]) => {
    const authority = `${options.host}:${options.port}`;
    const block = headerBlock({ path: `/etcdserverpb.KV/${method}`, authority, isTls: options.tls });
    const head = frame(frameType.headers, endHeaders, 0, block);
    const data = frame(frameType.data, endStream, 0, grpcMessage(message));
    const bytes = Buffer.concat([head, data]);
    const skip = prefix.length;
    return {
      bytes,
      streamAt: [5, head.length + 5],
      dataBytes: data.length - 9,
      keysAt: placesOf(bytes, key).map((at) => at + skip),
      endsAt: placesOf(bytes, keyEnd).map((at) => at + skip),
      stampsAt: options.stamp === true ? placesOf(bytes, stampMark) : [],
    };
  });
}

function writeDigits(target, at, number) {
  let rest = number;
  for (let i = at + digits - 1; i >= at; i--) {
    const tenth = Math.floor(rest / 10);
    target[i] = 48 + rest - tenth * 10;
    rest = tenth;
  }
}

/** Copies a request into `target` at `at`. @param number of the key. @param numberEnd of the second key. */
export function writeRequest(template, target, at, { stream, number, numberEnd, nowMs }) {
  template.bytes.copy(target, at);
  for (const place of template.streamAt) target.writeUInt32BE(stream, at + place);
  for (const place of template.keysAt) writeDigits(target, at + place, number);
  for (const place of template.endsAt) writeDigits(target, at + place, numberEnd);
  for (const place of template.stampsAt) target.writeDoubleLE(nowMs, at + place);
}
