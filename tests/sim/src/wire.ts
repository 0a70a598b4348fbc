import {
  Compare_CompareResult,
  Compare_CompareTarget,
  type DeleteRangeRequest,
  type KeyValue,
  PutRequest,
  type RangeRequest,
  type RequestOp,
  type ResponseOp,
  TxnRequest,
} from "@quorate/proto";
import type { Guard, KeyRequest, KeyResult, KeySpan, KeyState } from "@quorate/testkit";
import { latin1 } from "./truth.js";

export const bytesOf = (text: string): Uint8Array => Buffer.from(text, "latin1");
const none = new Uint8Array(0);

export const spanOf = ({ key, end }: KeySpan): { key: Uint8Array; rangeEnd: Uint8Array } => ({
  key: bytesOf(key),
  rangeEnd: end === undefined ? none : bytesOf(end),
});

export function keyStateOf(kv: KeyValue): KeyState {
  return {
    key: latin1(kv.key),
    value: latin1(kv.value),
    createRevision: Number(kv.createRevision),
    modRevision: Number(kv.modRevision),
    version: Number(kv.version),
    lease: kv.lease,
  };
}

type Txn = Extract<KeyRequest, { kind: "txn" }>;

export function encodePut({ key, value, lease }: Extract<KeyRequest, { kind: "put" }>): Uint8Array {
  return PutRequest.encode({ key: bytesOf(key), value: bytesOf(value), lease });
}

export function encodeTxn({ guards, success, failure }: Txn): Uint8Array {
  return TxnRequest.encode({
    compare: guards.map(compareOf),
    success: success.map(requestOpOf),
    failure: failure.map(requestOpOf),
  });
}

const relations = {
  equal: Compare_CompareResult.EQUAL,
  greater: Compare_CompareResult.GREATER,
  less: Compare_CompareResult.LESS,
};

function compareOf({
  key,
  relation,
  target,
}: Guard): NonNullable<Parameters<typeof TxnRequest.encode>[0]["compare"]>[number] {
  const common = { result: relations[relation], key: bytesOf(key), rangeEnd: none };
  switch (target.kind) {
    case "version":
      return {
        ...common,
        target: Compare_CompareTarget.VERSION,
        targetUnion: { kind: "version", value: BigInt(target.number) },
      };
    case "create":
      return {
        ...common,
        target: Compare_CompareTarget.CREATE,
        targetUnion: { kind: "createRevision", value: BigInt(target.number) },
      };
    case "mod":
      return {
        ...common,
        target: Compare_CompareTarget.MOD,
        targetUnion: { kind: "modRevision", value: BigInt(target.number) },
      };
    case "value":
      return {
        ...common,
        target: Compare_CompareTarget.VALUE,
        targetUnion: { kind: "value", value: bytesOf(target.value) },
      };
  }
}

function requestOpOf(request: KeyRequest): RequestOp {
  switch (request.kind) {
    case "put": {
      const value = PutRequest.create({
        key: bytesOf(request.key),
        value: bytesOf(request.value),
        lease: request.lease,
      });
      return { request: { kind: "requestPut", value } };
    }
    case "range":
      return { request: { kind: "requestRange", value: spanOf(request) as RangeRequest } };
    case "delete":
      return { request: { kind: "requestDeleteRange", value: spanOf(request) as DeleteRangeRequest } };
    default:
      throw new Error(`no ${request.kind} inside of a transaction`);
  }
}

export function resultOf(response: ResponseOp): KeyResult {
  switch (response.response?.kind) {
    case "responsePut":
      return { kind: "put" };
    case "responseRange":
      return { kind: "range", keys: response.response.value.kvs.map(keyStateOf) };
    case "responseDeleteRange":
      return { kind: "delete", deleted: Number(response.response.value.deleted) };
    default:
      throw new Error("an answer that nobody asked for");
  }
}
