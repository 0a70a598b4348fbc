/** One change of a key, as a watch tells it or as a request asks for it. Revisions are left out here. */
export type Change = {
  readonly key: string;
  /** undefined: deleted. */
  readonly value: string | undefined;
  /** Decimal id, "0" for none. Deletions have "0". */
  readonly lease: string;
};

/** All changes of one revision, in order. */
export type RevisionChanges = { readonly revision: number; readonly changes: readonly Change[] };

/** A key as a range tells it. */
export type KeyState = {
  readonly value: string;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease: string;
};

/** What the member says of itself after a restart. */
export type Observation = {
  /** Of the answer to the range of all keys. */
  readonly revision: number;
  /** 0 when nothing was ever compacted. */
  readonly compactRevision: number;
  /** From the revision after `compactRevision` to `revision`, all of them. */
  readonly history: readonly RevisionChanges[];
  readonly keys: ReadonlyMap<string, KeyState>;
  readonly leases: ReadonlySet<string>;
  /** Milliseconds on the clock that attempts are stamped with. */
  readonly atMs: number;
};

/** For reports and comparisons: `a=1@77, b deleted`. */
export function describeChanges(changes: readonly Change[]): string {
  return changes
    .map(({ key, value, lease }) =>
      value === undefined ? `${key} deleted` : `${key}=${value}${lease === "0" ? "" : `@${lease}`}`,
    )
    .join(", ");
}
