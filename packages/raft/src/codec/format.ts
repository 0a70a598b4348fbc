import type { EntryKind } from "../entry.js";

/** The format of everything this package writes. A reader refuses any other. */
export const formatVersion = 1;

/** The place of a kind is its number in bytes: add at the end, never move. */
export const entryKinds = ["normal", "conf-change", "conf-change-v2"] as const satisfies EntryKind[];
