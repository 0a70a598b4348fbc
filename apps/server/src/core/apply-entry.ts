import { AssertionError } from "@quorate/common";
import {
  AlarmRequest,
  AlarmType,
  MembershippbClusterMemberAttrSetRequest as ClusterMemberAttrSetRequest,
  MembershippbClusterVersionSetRequest as ClusterVersionSetRequest,
  CompactionRequest,
  DeleteRangeRequest,
  LeaseGrantRequest,
  LeaseRevokeRequest,
  LeaseWork,
  PutRequest,
  TxnRequest,
} from "@quorate/proto";
import { txnCost } from "../front/kv-checks.js";
import { applyAlarm, applyClusterVersion, applyMemberAttributes } from "./apply-cluster.js";
import { applyCompaction, applyDeleteRange, applyPut, applyTxn } from "./apply-kv.js";
import { applyLeaseGrant, applyLeaseRevoke, applyLeaseWork } from "./apply-lease.js";
import { EntryField, type EntryView } from "./entry-codec.js";
import { type ApplyContext, type MemberState, type Outcome, refuse } from "./member-state.js";

/** Requests that a corrupt cluster refuses. Alarms, membership and checkpoints go on. */
const refusedWhenCorrupt: ReadonlySet<number> = new Set([
  EntryField.put,
  EntryField.deleteRange,
  EntryField.txn,
  EntryField.compaction,
  EntryField.leaseGrant,
  EntryField.leaseRevoke,
]);

/**
 * Applies one request of the log to the state: the same answer and the same change on every member. Alarms come first, as in etcd.
 * @throws AssertionError for a request no version of this server has written: to skip it would let members diverge.
 */
export function applyRequest(state: MemberState, data: Uint8Array, view: EntryView, context: ApplyContext): Outcome {
  if (refusedWhenCorrupt.has(view.field) && state.alarms.isActive(AlarmType.CORRUPT)) {
    return refuse({ code: "server/corrupt" });
  }
  const hasSpace = !state.alarms.isActive(AlarmType.NOSPACE);
  const { start, end } = view;
  switch (view.field) {
    case EntryField.put:
      return hasSpace
        ? applyPut(state, PutRequest.decode(data, start, end), context)
        : refuse({ code: "server/no-space" });
    case EntryField.deleteRange:
      return applyDeleteRange(state, DeleteRangeRequest.decode(data, start, end), context);
    case EntryField.txn: {
      const request = TxnRequest.decode(data, start, end);
      if (!hasSpace && txnCost(request) > 0) return refuse({ code: "server/no-space" });
      return applyTxn(state, request, context);
    }
    case EntryField.compaction:
      return applyCompaction(state, CompactionRequest.decode(data, start, end), context);
    case EntryField.leaseGrant:
      if (!hasSpace) return refuse({ code: "server/no-space" });
      return applyLeaseGrant(state, LeaseGrantRequest.decode(data, start, end), context);
    case EntryField.leaseRevoke:
      return applyLeaseRevoke(state, LeaseRevokeRequest.decode(data, start, end), context);
    case EntryField.leaseWork:
      return applyLeaseWork(state, LeaseWork.decode(data, start, end), context);
    case EntryField.alarm:
      return applyAlarm(state, AlarmRequest.decode(data, start, end), context);
    case EntryField.clusterMemberAttrSet:
      return applyMemberAttributes(state, ClusterMemberAttrSetRequest.decode(data, start, end), context);
    case EntryField.clusterVersionSet:
      return applyClusterVersion(state, ClusterVersionSetRequest.decode(data, start, end), context);
    default:
      throw new AssertionError(
        `broken invariant: every entry is known (field ${view.field} at index ${context.index})`,
      );
  }
}
