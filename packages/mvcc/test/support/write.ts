import type { LeaseId, Revision } from "@quorate/common";
import type { KeyRange, Mvcc } from "../../src/index.js";
import { bytes, nextEntry } from "./open.js";

export const revision = (value: number): Revision => value as Revision;
export const everything: KeyRange = { kind: "span", start: bytes("\0"), end: undefined };
export const oneKey = (key: string): KeyRange => ({ kind: "key", key: bytes(key) });

/** Puts one key in an entry of its own. */
export function put(mvcc: Mvcc, key: string, value: string, lease?: bigint): Revision {
  const transaction = mvcc.begin(nextEntry(mvcc));
  transaction.put({ key: bytes(key), value: bytes(value), lease: lease as LeaseId | undefined });
  return transaction.commit().revision;
}

/** Deletes a range in an entry of its own. */
export function remove(mvcc: Mvcc, range: KeyRange): number {
  const transaction = mvcc.begin(nextEntry(mvcc));
  const { deleted } = transaction.deleteRange(range, { wantPrevious: false });
  transaction.commit();
  return deleted;
}

/** Compacts logically. */
export function compact(mvcc: Mvcc, to: number): void {
  const transaction = mvcc.begin(nextEntry(mvcc));
  try {
    transaction.compact(revision(to));
  } catch (error) {
    transaction.abort();
    throw error;
  }
  transaction.commit();
}

/** Compacts and waits until the rows are gone. */
export async function compactFully(mvcc: Mvcc, to: number): Promise<void> {
  compact(mvcc, to);
  await mvcc.whenCompacted();
}
