import {
  CompactionResponse,
  DeleteRangeResponse,
  Event_EventType as EventType,
  PutResponse,
  RangeResponse,
  RangeStreamResponse,
  TxnResponse,
  WatchResponse,
} from "@quorate/proto";
import type { FakeSettings, FakeStream } from "./fake-world.js";
import { header } from "./golden-member.js";

const bytes = (text: string) => new TextEncoder().encode(text);
/** Text, a line end in a value, bytes that are no text, and a lease that no double holds. */
const plain = { key: bytes("foo"), createRevision: 2n, modRevision: 5n, version: 3n, value: bytes("bär\n"), lease: 0n };
const odd = {
  key: Uint8Array.of(0x66, 0xff),
  createRevision: 9007199254740993n,
  modRevision: 9007199254740993n,
  version: 1n,
  value: new Uint8Array(),
  lease: 7587870152021180417n,
};
const inner = { revision: 7n };

const kv: NonNullable<FakeSettings["answers"]> = {
  "/etcdserverpb.KV/Put": () => PutResponse.encode({ header, prevKv: plain }),
  "/etcdserverpb.KV/Range": () => RangeResponse.encode({ header, kvs: [plain, odd], more: true, count: 3n }),
  "/etcdserverpb.KV/DeleteRange": () => DeleteRangeResponse.encode({ header, deleted: 2n, prevKvs: [plain, odd] }),
  "/etcdserverpb.KV/Compact": () => CompactionResponse.encode({ header }),
  "/etcdserverpb.KV/Txn": () =>
    TxnResponse.encode({
      header,
      succeeded: true,
      responses: [
        {
          response: {
            kind: "responsePut",
            value: PutResponse.create({ header: { ...zero, ...inner }, prevKv: plain }),
          },
        },
        {
          response: {
            kind: "responseRange",
            value: RangeResponse.create({ header: { ...zero, ...inner }, kvs: [odd], count: 1n }),
          },
        },
        {
          response: {
            kind: "responseDeleteRange",
            value: DeleteRangeResponse.create({ header: { ...zero, ...inner }, deleted: 1n }),
          },
        },
      ],
    }),
};
const zero = { clusterId: 0n, memberId: 0n, raftTerm: 0n };

/** Streams one change of each kind, and then says that what follows is compacted away. */
function watchMember(stream: FakeStream, message: Uint8Array | undefined): void {
  if (message === undefined || stream.sent.length !== 1) return;
  stream.answer(WatchResponse.encode({ header, created: true }));
  const events = [
    { type: EventType.PUT, kv: plain, prevKv: odd },
    { type: EventType.DELETE, kv: { ...odd, createRevision: 0n, version: 0n, lease: 0n }, prevKv: undefined },
  ];
  stream.answer(WatchResponse.encode({ header, events }));
  stream.answer(WatchResponse.encode({ header, canceled: true, compactRevision: 9n }));
}

/** Streams an answer in two pieces. */
function rangeMember(stream: FakeStream, message: Uint8Array | undefined): void {
  if (message === undefined) return;
  const pieces = [
    { header, kvs: [plain], more: false, count: 0n },
    { header: undefined, kvs: [odd], more: true, count: 3n },
  ];
  for (const rangeResponse of pieces) stream.answer(RangeStreamResponse.encode({ rangeResponse }));
  stream.end();
}

const settings = { answers: kv };

/** Cases of the commands about keys. */
export const keyCases = {
  compaction: { argv: ["compaction", "7"], settings },
  del: { argv: ["del", "--prefix", "f", "--prev-kv"], settings },
  get: { argv: ["get", "--prefix", "f"], settings },
  "get-values-only": { argv: ["get", "foo", "--print-value-only"], settings },
  "get-stream": { argv: ["get", "--stream", "--prefix", "f"], settings: { onStream: rangeMember } },
  put: { argv: ["put", "foo", "bar", "--prev-kv"], settings },
  txn: {
    argv: ["txn", "-i"],
    settings: { answers: kv, stdin: 'value("a") = "1"\n\nput foo bar\nget f\ndel x\n\n\n' },
  },
  watch: { argv: ["watch", "--prefix", "f", "--rev=2", "--prev-kv"], settings: { onStream: watchMember } },
} as const;
