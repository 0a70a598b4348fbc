import type { Revision } from "@quorate/common";
import type { WriteTransaction } from "@quorate/mvcc";
import { KeyValue, TxnRequest } from "@quorate/proto";
import { describe, expect, it } from "vitest";
import type { MemberState } from "../../src/core/member-state.js";
import { executePlan, readPlan } from "../../src/core/txn-execute.js";
import { planTxn } from "../../src/core/txn-plan.js";

const record = KeyValue.encode({ key: Buffer.from("k"), value: Buffer.alloc(100) });

/** A transaction that counts what is read and written for it. */
function buildTransaction() {
  const counts = { ranges: 0, puts: 0, previous: 0, deletes: 0 };
  const txn = {
    range: () => {
      counts.ranges += 1;
      return { revision: 5, count: 2, more: false, records: [record, record] };
    },
    put: () => {
      counts.puts += 1;
      return {
        get previous() {
          counts.previous += 1;
          return undefined;
        },
        previousLease: undefined,
      };
    },
    deleteRange: (_: unknown, options: { wantPrevious: boolean }) => {
      counts.deletes += 1;
      if (options.wantPrevious) counts.previous += 1;
      return { deleted: 0, previous: [], leases: [] };
    },
  };
  return { counts, txn: txn as unknown as WriteTransaction };
}

const key = Buffer.from("a");
const request = TxnRequest.decode(
  TxnRequest.encode({
    success: [
      { request: { kind: "requestRange", value: { key } as never } },
      { request: { kind: "requestPut", value: { key, prevKv: true } as never } },
      { request: { kind: "requestDeleteRange", value: { key, prevKv: true } as never } },
    ],
  }),
);
const state = { mvcc: { revision: 5 as Revision } } as unknown as MemberState;

describe("executePlan", () => {
  it.each([
    {
      title: "reads what its caller is told",
      isAwaited: true,
      expected: { ranges: 1, puts: 1, previous: 2, deletes: 1 },
    },
    {
      title: "writes only when nobody waits",
      isAwaited: false,
      expected: { ranges: 0, puts: 1, previous: 0, deletes: 1 },
    },
  ])("$title", ({ isAwaited, expected }) => {
    const { counts, txn } = buildTransaction();
    const plan = planTxn(request, txn);
    expect(executePlan(state, txn, plan, { isAwaited }).fault).toBeUndefined();
    expect(counts).toEqual(expected);
  });

  it("reads no more than an answer may hold, and writes all the same", () => {
    const { counts, txn } = buildTransaction();
    const read = { request: { kind: "requestRange", value: { key } as never } } as const;
    const many = TxnRequest.encode({ success: [...Array.from({ length: 50 }, () => read), ...request.success] });
    const plan = planTxn(TxnRequest.decode(many), txn);
    const executed = executePlan(state, txn, plan, { isAwaited: true, bytesMax: 10 * 2 * record.length });
    expect(executed).toMatchObject({ fault: undefined, body: undefined });
    expect(counts).toMatchObject({ ranges: 11, puts: 1, deletes: 1 });
    expect(executePlan(state, txn, plan, { isAwaited: true, bytesMax: 51 * 2 * record.length })).toMatchObject({
      body: expect.any(Uint8Array),
    });
    const reads = planTxn(TxnRequest.decode(TxnRequest.encode({ success: [read, read] })), txn);
    const mvcc = { revision: 5 as Revision, range: txn.range };
    expect(readPlan(mvcc, reads, 4 * record.length)).toEqual(expect.any(Uint8Array));
    expect(readPlan(mvcc, reads, 4 * record.length - 1)).toBeUndefined();
  });
});
