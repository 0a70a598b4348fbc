import type { Lessor } from "@quorate/lease";
import type { Mvcc } from "@quorate/mvcc";
import { loadLeases } from "./apply-lease.js";
import type { MemberState } from "./member-state.js";

/** Fills the lease table from a database to which nothing was applied since it was opened. */
export function loadLessor(lessor: Lessor, mvcc: Mvcc): void {
  lessor.restore(loadLeases(mvcc));
  for (const { lease, key } of mvcc.attachments()) if (lessor.has(lease)) lessor.attach(lease, [key]);
}

/** A snapshot has taken the place of the database: everything that is kept in memory of it is read again. */
export function reloadState({ mvcc, lessor, alarms, membership }: MemberState): void {
  loadLessor(lessor, mvcc);
  alarms.reload(mvcc);
  membership.reload(mvcc);
}
