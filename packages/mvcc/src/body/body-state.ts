import { latin1FromBytes } from "../key-range.js";
import type { BodyOpened, BodyState } from "./jobs.js";
import type { Connection } from "./schema.js";

/** The names in table `meta`. */
export const stateNames: Readonly<Record<keyof BodyState, string>> = {
  appliedIndex: "applied_index",
  appliedTerm: "applied_term",
  revision: "revision",
  compactedPlusOne: "compacted_plus_one",
  finishedPlusOne: "finished_plus_one",
  lastSeq: "last_seq",
  historyRows: "history_rows",
};

/** Reads the numbers of a body; a new one has those of an empty store. */
export function readState(db: Connection): BodyState {
  const found = new Map(db.prepare("SELECT name, value FROM meta").raw().all() as [string, number][]);
  const number = (name: keyof BodyState, absent: number): number => found.get(stateNames[name]) ?? absent;
  return {
    appliedIndex: number("appliedIndex", 0),
    appliedTerm: number("appliedTerm", 0),
    revision: number("revision", 1),
    compactedPlusOne: number("compactedPlusOne", 0),
    finishedPlusOne: number("finishedPlusOne", 0),
    lastSeq: number("lastSeq", 0),
    historyRows: number("historyRows", 0),
  };
}

/** Reads the side tables, in order. */
export function readBuckets(db: Connection): BodyOpened["buckets"] {
  const rows = db.prepare("SELECT name, key, value FROM bucket ORDER BY name, key").raw().all();
  return (rows as [string, Uint8Array, Uint8Array][]).map(([bucket, key, value]) => ({
    bucket,
    key: latin1FromBytes(key),
    value,
  }));
}
