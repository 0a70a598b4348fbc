import type { LogIndex, Revision, Term } from "@quorate/common";
import { readBuckets, readState } from "./body/body-state.js";
import { replaceFile } from "./body/files.js";
import { openWhole } from "./body/schema.js";
import { Buckets } from "./buckets.js";
import type { EntryId } from "./mvcc.js";

/** What a database file holds, as far as it can be told without reading its keys. */
export type DatabaseFacts = Readonly<{
  applied: EntryId;
  revision: Revision;
  /** Undefined: never compacted. */
  compactedRevision: Revision | undefined;
  /** A side table, by latin1 key. */
  bucket(name: string): ReadonlyMap<string, Uint8Array>;
}>;

/**
 * Looks into a whole database file that nobody has open, as a backup is one: whether it is ours, of a format that can be read, and as long as it says.
 * The file stays as it is.
 * @throws MvccError "mvcc/cannot-open", "mvcc/foreign-file", "mvcc/newer-format", "mvcc/corrupt", each with the path.
 */
export function inspectDatabase(path: string): DatabaseFacts {
  return openWhole(path, (db) => {
    const state = readState(db);
    const buckets = new Buckets(readBuckets(db));
    return {
      applied: { index: state.appliedIndex as LogIndex, term: state.appliedTerm as Term },
      revision: state.revision as Revision,
      compactedRevision: state.compactedPlusOne === 0 ? undefined : ((state.compactedPlusOne - 1) as Revision),
      bucket: (name) => buckets.get(name),
    };
  });
}

/**
 * Puts a whole, synced database file in the place of the one at `path`, which nobody has open. What SQLite keeps beside that one goes first, since it
 * would be taken for the new one's: a crash in between leaves the old file without its last changes, so do this only if it can be done again.
 */
export function replaceDatabase(replacement: { path: string; by: string }): void {
  replaceFile(replacement);
}
