import type { ClusterId, MemberId, Revision, Term } from "@quorate/common";
import type { Lessor } from "@quorate/lease";
import type { Committed, Mvcc } from "@quorate/mvcc";
import type { Fault } from "../public-errors.js";
import type { AlarmTable } from "./alarm-table.js";
import type { Membership } from "./membership.js";
import type { HeaderWriter } from "./reply-writer.js";

/** Everything apply changes, and what its answers need. */
export type MemberState = Readonly<{
  cluster: ClusterId;
  member: MemberId;
  mvcc: Mvcc;
  lessor: Lessor;
  alarms: AlarmTable;
  membership: Membership;
  headers: HeaderWriter;
}>;

/**
 * An entry's place, the moment it is applied here, and whether somebody here waits for the answer: if not, nothing is read for it. Neither
 * decides anything that members must agree on.
 */
export type ApplyContext = Readonly<{ index: number; term: Term; nowMs: number; isAwaited: boolean }>;

/**
 * What applying an entry gave: the encoded response, and what changed in the store. A refusal is the same on every member. What was done and cannot be
 * told is `unanswerable`: only the caller notices.
 */
export type Outcome =
  | { kind: "done"; reply: Uint8Array; committed: Committed | undefined; unanswerable?: Fault | undefined }
  | { kind: "refused"; fault: Fault };

export const refuse = (fault: Fault): Outcome => ({ kind: "refused", fault });

/** Field 1 of an answer given now. */
export function headerAt(state: MemberState, revision: Revision, term: Term): Uint8Array {
  return state.headers.field(revision, term);
}
