import type { Revision } from "@quorate/common";
import type { WriteTransaction } from "@quorate/mvcc";
import { TxnRequest } from "@quorate/proto";
import { describe, expect, it } from "vitest";
import type { MemberState } from "../../src/core/member-state.js";
import { executePlan } from "../../src/core/txn-execute.js";
import { planTxn } from "../../src/core/txn-plan.js";

/** A transaction that counts what is read and written for it. */
function buildTransaction() {
  const counts = { ranges: 0, puts: 0, previous: 0, deletes: 0 };
  const txn = {
    range: () => {
      counts.ranges += 1;
      return { revision: 5, count: 0, more: false, records: [] };
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
});
