import type { LeaseId, LogIndex } from "@quorate/common";
import { LeaseError, type LeaseRecord } from "@quorate/lease";
import type { WriteTransaction } from "@quorate/mvcc";
import type { LeaseGrantRequest, LeaseRevokeRequest, LeaseWork } from "@quorate/proto";
import { StoredLease } from "@quorate/proto";
import { beginTransaction } from "./apply-kv.js";
import { type ApplyContext, headerAt, type MemberState, type Outcome, refuse } from "./member-state.js";
import { MessageBuilder } from "./reply-writer.js";

const bucket = "lease";
const builder = new MessageBuilder();
const nothing = new Uint8Array(0);

/** Grants a lease. The front has chosen the id. */
export function applyLeaseGrant(state: MemberState, request: LeaseGrantRequest, context: ApplyContext): Outcome {
  const lease = { id: request.ID as LeaseId, ttlSeconds: Number(request.TTL), grantedAt: context.index as LogIndex };
  return refusable(() => {
    const granted = state.lessor.grant(lease, context.nowMs);
    const txn = beginTransaction(state, context);
    saveLease(txn, granted);
    const committed = txn.commit();
    builder
      .raw(headerAt(state, committed.revision, context.term))
      .wide(2, request.ID)
      .number(3, granted.ttlSeconds);
    return { kind: "done", reply: builder.take(), committed };
  });
}

/** Ends a lease and deletes its keys, in key order, at one revision. */
export function applyLeaseRevoke(state: MemberState, request: LeaseRevokeRequest, context: ApplyContext): Outcome {
  const id = request.ID as LeaseId;
  return refusable(() => {
    const { keys } = state.lessor.revoke(id);
    const txn = beginTransaction(state, context);
    deleteLease(txn, id, keys);
    const committed = txn.commit();
    return { kind: "done", reply: builder.raw(headerAt(state, committed.revision, context.term)).take(), committed };
  });
}

/**
 * Carries out what a leader's clock asks for: ends many overdue leases by one entry, each at a revision of its own as if it had been revoked alone, and
 * writes down how long others still have, so that neither a restart nor a new leader gives them their whole time again.
 *
 * An entry of an earlier leader has no effect: the leader since has promised its leases more time. Nor has it any on a lease that was revoked and
 * granted anew after the leader looked. Both are the same on every member.
 */
export function applyLeaseWork(state: MemberState, work: LeaseWork, context: ApplyContext): Outcome {
  const txn = beginTransaction(state, context);
  if (Number(work.term) === context.term) {
    const seen = Number(work.seenIndex) as LogIndex;
    for (const ID of work.expired) {
      const id = ID as LeaseId;
      if (state.lessor.isStale(id, seen)) continue;
      const { keys } = state.lessor.revoke(id);
      deleteLease(txn, id, keys);
      if (keys.length > 0) txn.nextRevision();
    }
    for (const { ID, remainingTTL } of work.checkpoints) {
      const id = ID as LeaseId;
      if (state.lessor.isStale(id, seen)) continue;
      const record = state.lessor.checkpoint(id, remainingTTL === 0n ? undefined : Number(remainingTTL));
      if (record !== undefined) saveLease(txn, record);
    }
  }
  const committed = txn.commit();
  return { kind: "done", reply: nothing, committed };
}

/** The leases a store holds. */
export function loadLeases(store: { bucket(name: string): ReadonlyMap<string, Uint8Array> }): readonly LeaseRecord[] {
  return [...store.bucket(bucket).values()].map((value) => {
    const lease = StoredLease.decode(value);
    const remainingTtlSeconds = lease.RemainingTTL === 0n ? undefined : Number(lease.RemainingTTL);
    const grantedAt = Number(lease.grantedAt) as LogIndex;
    return { id: lease.ID as LeaseId, ttlSeconds: Number(lease.TTL), remainingTtlSeconds, grantedAt };
  });
}

function refusable(apply: () => Outcome): Outcome {
  try {
    return apply();
  } catch (error) {
    if (error instanceof LeaseError) return refuse(error.fault);
    throw error;
  }
}

function deleteLease(txn: WriteTransaction, id: LeaseId, keys: readonly Uint8Array[]): void {
  for (const key of keys) txn.deleteRange({ kind: "key", key }, { wantPrevious: false });
  txn.setBucket(bucket, leaseKey(id), undefined);
}

function saveLease(txn: WriteTransaction, lease: LeaseRecord): void {
  const stored = {
    ID: lease.id,
    TTL: BigInt(lease.ttlSeconds),
    RemainingTTL: BigInt(lease.remainingTtlSeconds ?? 0),
    grantedAt: BigInt(lease.grantedAt),
  };
  txn.setBucket(bucket, leaseKey(lease.id), StoredLease.encode(stored));
}

/** 8 bytes big endian, two's complement, as latin1 text: etcd's key of a lease. */
function leaseKey(id: LeaseId): string {
  const key = Buffer.alloc(8);
  key.writeBigInt64BE(id);
  return key.toString("latin1");
}
