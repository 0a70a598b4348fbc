import { type ResponseOp, TxnRequest, type TxnResponse } from "@quorate/proto";
import type { CallOptions } from "../call-options.js";
import type { Caller } from "../caller.js";
import { rpcs } from "../rpc.js";
import type { Comparison } from "./comparison.js";
import { type Header, headerOf } from "./header.js";
import { type Operation, strangeResponse } from "./operation.js";

/** The results of a list of operations, each in its place with its own type. */
export type ResultsOf<Ops extends readonly Operation<unknown>[]> = {
  readonly [Index in keyof Ops]: Ops[Index] extends Operation<infer Result> ? Result : never;
};

/** A transaction: one step for the whole cluster, at one revision. */
export type Txn<Success extends readonly Operation<unknown>[], Failure extends readonly Operation<unknown>[]> = {
  /** All must hold; none at all always does. */
  readonly if?: readonly Comparison[] | undefined;
  /** Done when all conditions hold. */
  readonly success?: Success | undefined;
  /** Done when one does not. */
  readonly failure?: Failure | undefined;
};

/** What a transaction did. */
export type TxnResult<Success extends readonly Operation<unknown>[], Failure extends readonly Operation<unknown>[]> =
  | { readonly succeeded: true; readonly header: Header; readonly results: ResultsOf<Success> }
  | { readonly succeeded: false; readonly header: Header; readonly results: ResultsOf<Failure> };

/** Carries out a transaction. One that only reads is repeated like a read. @throws ClientError */
export async function commitTxn<
  const Success extends readonly Operation<unknown>[] = [],
  const Failure extends readonly Operation<unknown>[] = [],
>(caller: Caller, txn: Txn<Success, Failure>, options: CallOptions = {}): Promise<TxnResult<Success, Failure>> {
  const isRead = isReadOnly(txn);
  const answer = await caller.call(isRead ? rpcs.readTxn : rpcs.txn, requestOf(txn), options);
  return resultOf(answer, txn);
}

/** A transaction as a step of another. Its conditions are judged on the state before the outer one. */
export function nested<
  const Success extends readonly Operation<unknown>[] = [],
  const Failure extends readonly Operation<unknown>[] = [],
>(txn: Txn<Success, Failure>): Operation<TxnResult<Success, Failure>> {
  return {
    isRead: isReadOnly(txn),
    request: { request: { kind: "requestTxn", value: requestOf(txn) } },
    read: ({ response }) => {
      if (response?.kind !== "responseTxn") throw strangeResponse();
      return resultOf(response.value, txn);
    },
  };
}

type AnyTxn = Txn<readonly Operation<unknown>[], readonly Operation<unknown>[]>;

function isReadOnly(txn: AnyTxn): boolean {
  return [...(txn.success ?? []), ...(txn.failure ?? [])].every((operation) => operation.isRead);
}

function requestOf(txn: AnyTxn): TxnRequest {
  return TxnRequest.create({
    compare: (txn.if ?? []).map((one) => one.compare),
    success: (txn.success ?? []).map((one) => one.request),
    failure: (txn.failure ?? []).map((one) => one.request),
  });
}

function resultOf<Success extends readonly Operation<unknown>[], Failure extends readonly Operation<unknown>[]>(
  answer: TxnResponse,
  txn: Txn<Success, Failure>,
): TxnResult<Success, Failure> {
  const taken: readonly Operation<unknown>[] = (answer.succeeded ? txn.success : txn.failure) ?? [];
  if (taken.length !== answer.responses.length) throw strangeResponse();
  const results = taken.map((operation, index) => operation.read(answer.responses[index] as ResponseOp));
  return { succeeded: answer.succeeded, header: headerOf(answer), results } as unknown as TxnResult<Success, Failure>;
}
