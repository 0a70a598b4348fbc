// What a put and a get cost in codecs: decode the request, write the answer.
import {
  KeyValue,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  ResponseHeader,
  Writer,
} from "../../packages/proto/dist/index.js";
import { keyOf } from "../load/requests.mjs";
import { say, sink, timeEach } from "./measure.mjs";

const variants = 64;
const count = 20_000;
const value = Buffer.alloc(256, "x");
const many = (make) => Array.from({ length: variants }, (_, i) => make(i));
const header = (i) =>
  ResponseHeader.create({
    clusterId: 14841639068965178418n,
    memberId: 10276657743932975437n,
    revision: BigInt(1000 + i),
    raftTerm: 2n,
  });
const keyValue = (i) =>
  KeyValue.create({ key: keyOf(i), value, createRevision: 7n, modRevision: BigInt(900 + i), version: 3n });
const writer = new Writer();

function decode(name, codec, messages) {
  const bytes = messages.map((message) => codec.encode(message));
  const { value: each } = timeEach(count, (times) => {
    for (let i = 0; i < times; i++) sink.kept = codec.decode(bytes[i % variants]);
  });
  return { id: `codec-decode-${codec.name.split(".")[1]}`, name, value: each, unit: "us" };
}

function write(name, codec, messages) {
  const { value: each } = timeEach(count, (times) => {
    for (let i = 0; i < times; i++) {
      writer.reset();
      codec.write(messages[i % variants], writer);
    }
    sink.kept = writer.finish();
  });
  return { id: `codec-write-${codec.name.split(".")[1]}`, name, value: each, unit: "us" };
}

say([
  decode(
    "decode a put of 256 bytes",
    PutRequest,
    many((i) => PutRequest.create({ key: keyOf(i), value })),
  ),
  write(
    "write the answer of a put",
    PutResponse,
    many((i) => PutResponse.create({ header: header(i) })),
  ),
  decode(
    "decode a get of one key",
    RangeRequest,
    many((i) => RangeRequest.create({ key: keyOf(i) })),
  ),
  write(
    "write the answer of a get, 256 bytes",
    RangeResponse,
    many((i) => RangeResponse.create({ header: header(i), kvs: [keyValue(i)], count: 1n })),
  ),
]);
