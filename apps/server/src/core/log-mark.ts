import type { LogIndex, Term } from "@quorate/common";
import type { EntryId } from "@quorate/mvcc";
import type { ConfState } from "@quorate/raft";
import type { WalSnapshot } from "@quorate/wal";
import { confStateFromJson, confStateToJson } from "./conf-change-apply.js";

/** A snapshot's record in the log: the database holds, or is about to hold, all up to this entry, and who was in the cluster then. */
export type LogMark = EntryId & Readonly<{ confState: ConfState }>;

export function encodeMark({ index, term, confState }: LogMark): WalSnapshot {
  return { index, data: Buffer.from(JSON.stringify({ term, confState: confStateToJson(confState) })) };
}

/** Reads what `encodeMark` wrote. */
export function decodeMark(snapshot: WalSnapshot): LogMark {
  const read = JSON.parse(Buffer.from(snapshot.data).toString()) as { term: number; confState: string };
  return { index: snapshot.index as LogIndex, term: read.term as Term, confState: confStateFromJson(read.confState) };
}
