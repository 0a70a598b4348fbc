// node bench/codec.bench.ts (after the build): nanoseconds per message, our codecs beside protobufjs and protobuf-es.
import { cpus } from "node:os";
import {
  Compare,
  codecOf,
  Event,
  InternalRaftRequest,
  KeyValue,
  PutRequest,
  RangeRequest,
  RangeResponse,
  ResponseHeader,
  TxnRequest,
  WatchResponse,
  Writer,
} from "@quorate/proto";
import { protobufEs, protobufjs, type Rival } from "./rivals.ts";

const variants = 64;
const batches = 200;
const warmUpBatches = 40;

/** A fixed seed: the same keys and values in each run. */
let state = 42;
const random = (below: number): number => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state % below;
};
const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => random(256));
const key = (): Uint8Array => new TextEncoder().encode(`key-${String(random(1_000_000)).padStart(12, "0")}`);
const revision = (): bigint => BigInt(random(100_000_000));

const header = (): ResponseHeader =>
  ResponseHeader.create({
    clusterId: 14841639068965178418n,
    memberId: 10276657743932975437n,
    revision: revision(),
    raftTerm: 2n,
  });
const keyValue = (): KeyValue =>
  KeyValue.create({
    key: key(),
    value: bytes(256),
    createRevision: revision(),
    modRevision: revision(),
    version: BigInt(random(50)),
  });
const put = (): PutRequest => PutRequest.create({ key: key(), value: bytes(256), lease: 7587870152021180417n });
const txn = (): TxnRequest => {
  const name = key();
  const compare = Compare.create({ key: name, target: 2, targetUnion: { kind: "modRevision", value: revision() } });
  return TxnRequest.create({
    compare: [compare],
    success: [{ request: { kind: "requestPut", value: { ...put(), key: name } } }],
    failure: [{ request: { kind: "requestRange", value: RangeRequest.create({ key: name }) } }],
  });
};

const subjects: readonly (readonly [title: string, name: string, make: () => object])[] = [
  ["Put request, 256 B", "etcdserverpb.PutRequest", put],
  [
    "Put in the log's request, 256 B",
    "etcdserverpb.InternalRaftRequest",
    () => InternalRaftRequest.create({ ID: 7n, put: put() }),
  ],
  ["Range request, one key", "etcdserverpb.RangeRequest", () => RangeRequest.create({ key: key() })],
  [
    "Range response, 1 x 256 B",
    "etcdserverpb.RangeResponse",
    () => RangeResponse.create({ header: header(), kvs: [keyValue()], count: 1n }),
  ],
  [
    "Range response, 100 x 256 B",
    "etcdserverpb.RangeResponse",
    () => RangeResponse.create({ header: header(), kvs: Array.from({ length: 100 }, keyValue), count: 100n }),
  ],
  ["Txn request, 1 compare, put 256 B", "etcdserverpb.TxnRequest", txn],
  [
    "Watch response, 1 event, 256 B",
    "etcdserverpb.WatchResponse",
    () => WatchResponse.create({ header: header(), watchId: 5n, events: [Event.create({ kv: keyValue() })] }),
  ],
];

/** Results go here, so that the work cannot be optimised away. */
export const sink: { kept: unknown } = { kept: undefined };

/** Median and 99th percentile over batches, in nanoseconds per message. */
function measure(run: (index: number) => unknown, count: number): { median: number; p99: number } {
  const samples: number[] = [];
  for (let batch = -warmUpBatches; batch < batches; batch++) {
    const started = process.hrtime.bigint();
    for (let index = 0; index < count; index++) sink.kept = run(index & (variants - 1));
    if (batch >= 0) samples.push(Number(process.hrtime.bigint() - started) / count);
  }
  samples.sort((a, b) => a - b);
  return { median: samples[batches >> 1] ?? 0, p99: samples[Math.floor(batches * 0.99)] ?? 0 };
}

function report(title: string, run: (index: number) => unknown, count: number): void {
  const { median, p99 } = measure(run, count);
  const perSecond = Math.round(1e9 / median).toLocaleString("en");
  console.log(
    `  ${title.padEnd(30)} ${median.toFixed(0).padStart(7)} ns ${p99.toFixed(0).padStart(8)} ns p99 ${perSecond.padStart(12)}/s`,
  );
}

console.log(
  `node ${process.version}, ${cpus()[0]?.model ?? "unknown"} x ${cpus().length}, ${new Date().toISOString().slice(0, 10)}`,
);
for (const [title, name, make] of subjects) {
  const messages = Array.from({ length: variants }, make);
  const codec = codecOf(name);
  const encoded = messages.map((message) => codec.encode(message));
  const count = (encoded[0]?.length ?? 0) > 4096 ? 16 : 512;
  console.log(`${title} (${encoded[0]?.length} B)`);
  const writer = new Writer();
  report("decode", (index) => codec.decode(encoded[index]!), count);
  report("encode, own buffer", (index) => codec.encode(messages[index]!), count);
  report("encodePooled", (index) => codec.encodePooled(messages[index]!), count);
  report(
    "write",
    (index) => {
      writer.reset();
      codec.write(messages[index]!, writer);
      return writer;
    },
    count,
  );
  for (const rival of [protobufjs, protobufEs]) reportRival(rival, name, messages, encoded, count);
}

function reportRival(rival: Rival, name: string, messages: object[], encoded: Uint8Array[], count: number): void {
  const prepared = messages.map((message) => rival.prepare(name, message));
  const encode = rival.encode(name);
  const decode = rival.decode(name);
  if (encode(prepared[0]).length < (encoded[0]?.length ?? 0))
    throw new Error(`${rival.name} lost something of ${name}`);
  report(`${rival.name} decode`, (index) => decode(encoded[index]!), count);
  report(`${rival.name} encode`, (index) => encode(prepared[index]), count);
}
