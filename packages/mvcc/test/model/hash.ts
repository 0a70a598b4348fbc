/** One change. Keys and values are latin1 strings; lease 0: none. */
export type ModelRecord = Readonly<{
  main: number;
  sub: number;
  kind: "put" | "delete";
  key: string;
  value: string;
  create: number;
  version: number;
  lease: bigint;
}>;

// HashKV as storage.md tells it, step by step and without cleverness, to compare the real one with.

const table = Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0x82f63b78 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

function crc32c(bytes: Uint8Array, previous: number): number {
  let c = ~previous >>> 0;
  for (const byte of bytes) c = (table[(c ^ byte) & 255] as number) ^ (c >>> 8);
  return ~c >>> 0;
}

function varint(value: bigint): number[] {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 127n; rest >>= 7n) out.push(Number(rest & 127n) | 128);
  out.push(Number(rest));
  return out;
}

const bytesField = (tag: number, text: string): number[] =>
  text === "" ? [] : [tag, ...varint(BigInt(text.length)), ...Buffer.from(text, "latin1")];
const numberField = (tag: number, value: bigint): number[] => (value === 0n ? [] : [tag, ...varint(value)]);

/** mvccpb.KeyValue of a record; of a deletion the key alone. */
export function encodeModelRecord(record: ModelRecord): Uint8Array {
  const key = bytesField(0x0a, record.key);
  if (record.kind === "delete") return Buffer.from(key);
  return Buffer.from([
    ...key,
    ...numberField(0x10, BigInt(record.create)),
    ...numberField(0x18, BigInt(record.main)),
    ...numberField(0x20, BigInt(record.version)),
    ...bytesField(0x2a, record.value),
    ...numberField(0x30, record.lease),
  ]);
}

function recordKey(record: ModelRecord): Uint8Array {
  const bytes = Buffer.alloc(record.kind === "delete" ? 18 : 17, "t");
  bytes.writeBigUInt64BE(BigInt(record.main), 0);
  bytes[8] = 0x5f;
  bytes.writeBigUInt64BE(BigInt(record.sub), 9);
  return bytes;
}

/** For every key its newest record with main <= revision, unless that is a deletion. */
export function keepSet(records: readonly ModelRecord[], revision: number): Set<ModelRecord> {
  const newest = new Map<string, ModelRecord>();
  for (const record of records) if (record.main <= revision) newest.set(record.key, record);
  return new Set([...newest.values()].filter((record) => record.kind === "put"));
}

/** storage.md 1.3. `records` are those that compaction has left; `compacted` -1: never. */
export function hashRecords(
  records: readonly ModelRecord[],
  at: { revision: number; compacted: number; keep: ReadonlySet<ModelRecord> },
): number {
  let crc = crc32c(Buffer.from("key"), 0);
  for (const record of records) {
    if (record.main > at.revision) continue;
    if (record.main <= at.compacted && at.keep.size > 0 && !at.keep.has(record)) continue;
    if (record.main === at.compacted && record.kind === "delete") continue;
    crc = crc32c(encodeModelRecord(record), crc32c(recordKey(record), crc));
  }
  return crc;
}
