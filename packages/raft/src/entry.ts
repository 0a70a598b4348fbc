import type { LogIndex, MemberId, Term } from "@quorate/common";

/** The place of an entry together with the term in which a leader made it. Two logs that agree here agree on all before it. */
export type EntryId = Readonly<{ index: LogIndex; term: Term }>;

/** What an entry carries: bytes of the host ("normal", empty for a new leader's first entry) or a change of the members. */
export type EntryKind = "normal" | "conf-change" | "conf-change-v2";

/** One entry of the replicated log. `data` is never changed by either side once handed over. */
export type Entry = Readonly<{ index: LogIndex; term: Term; kind: EntryKind; data: Uint8Array }>;

/** An entry that a leader has not given its place yet. `proposalId` is the caller's own number and never leaves the member. */
export type ProposedEntry = Readonly<{ kind: EntryKind; data: Uint8Array; proposalId?: number | undefined }>;

/** What must survive a crash besides the entries. `vote` is the member that has this term's vote. */
export type HardState = Readonly<{ term: Term; vote: MemberId | undefined; commit: LogIndex }>;

/** Bytes that limits count for an entry above its data: index, term, kind and length in the codec, rounded up. */
export const entryOverheadBytes = 16;

/** What an entry counts against limits on messages and on committed entries, in bytes. */
export function entryBytes(entry: Entry): number {
  return entry.data.length + entryOverheadBytes;
}

/** The sum of `entryBytes`. */
export function entriesBytes(entries: readonly Entry[]): number {
  let bytes = 0;
  for (let i = 0; i < entries.length; i++) bytes += (entries[i] as Entry).data.length + entryOverheadBytes;
  return bytes;
}

/** The data alone, in bytes: what counts against the uncommitted size and the in-flight bytes. */
export function payloadBytes(entries: readonly Readonly<{ data: Uint8Array }>[]): number {
  let bytes = 0;
  for (let i = 0; i < entries.length; i++) bytes += (entries[i] as Readonly<{ data: Uint8Array }>).data.length;
  return bytes;
}
