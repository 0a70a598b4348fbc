import { assert } from "@quorate/common";
import { keyEndOf } from "./record.js";

// A run travels to the store thread as one buffer that is handed over, not copied: per change
// u32 length of the record | u8 kind | u32 sub | f64 main | f64 previous | record. `seq` counts up from the run's first.
const headerBytes = 25;

/** What is packed of a change. */
export type RunChange = Readonly<{
  kind: "put" | "delete";
  record: Uint8Array;
  revision: number;
  sub: number;
  previousSeq: number;
  version: number;
}>;

/** One change of a run as the store thread sees it. */
export type RunEntry = {
  readonly kind: number;
  readonly main: number;
  readonly sub: number;
  readonly seq: number;
  /** 0: supersedes nothing. */
  readonly previous: number;
  readonly record: Uint8Array;
};

/** Every eighth version of a key gets a signpost. */
const signpostEvery = 8;

/** True when the put gets a row in `versions`. */
export function isSignpost(version: number): boolean {
  return version % signpostEvery === 0;
}

/** Packs a layer's changes. Of a deletion the key alone is stored. */
export function encodeRun(log: readonly RunChange[]): Uint8Array<ArrayBuffer> {
  let size = 0;
  for (const version of log) size += headerBytes + version.record.length;
  const bytes = new Uint8Array(new ArrayBuffer(size));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const version of log) {
    const record = version.kind === "put" ? version.record : version.record.subarray(0, keyEndOf(version.record));
    view.setUint32(at, record.length, true);
    bytes[at + 4] = version.kind === "delete" ? 1 : isSignpost(version.version) ? 2 : 0;
    view.setUint32(at + 5, version.sub, true);
    view.setFloat64(at + 9, version.revision, true);
    view.setFloat64(at + 17, version.previousSeq, true);
    bytes.set(record, at + headerBytes);
    at += headerBytes + record.length;
  }
  return bytes.subarray(0, at);
}

/** Unpacks a run; `firstSeq` belongs to its first change. Records are views. */
export function decodeRun(bytes: Uint8Array, firstSeq: number): RunEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const entries: RunEntry[] = [];
  let at = 0;
  while (at < bytes.length) {
    const length = view.getUint32(at, true);
    const start = at + headerBytes;
    entries.push({
      kind: bytes[at + 4] as number,
      sub: view.getUint32(at + 5, true),
      main: view.getFloat64(at + 9, true),
      previous: view.getFloat64(at + 17, true),
      seq: firstSeq + entries.length,
      record: bytes.subarray(start, start + length),
    });
    at = start + length;
  }
  assert(at === bytes.length, "a run is as long as its records");
  return entries;
}
