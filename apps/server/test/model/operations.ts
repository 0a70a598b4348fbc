import fc from "fast-check";
import type { DeleteRequest, PutRequest, RangeRequest } from "./model-store.js";
import { type Compare, isReadOnly, type RequestOp, type TxnRequest } from "./model-txn.js";
import type { WatchCreate } from "./model-watches.js";

/** A revision that is told only when its time comes: so far from the present one, from the compacted one, or from 0. */
export type RelativeRevision = Readonly<{ from: "now" | "compacted" | "zero"; by: number }>;

/** What goes through the log, so that its place among others is where it was sent. */
export type Write = Extract<Operation, { kind: "put" | "delete" | "txn" | "revoke" }>;

export type Operation =
  | { kind: "range"; request: RangeRequest; revision: RelativeRevision | undefined; isStream: boolean }
  | { kind: "put"; request: PutRequest }
  | { kind: "delete"; request: DeleteRequest }
  | { kind: "txn"; request: TxnRequest }
  | { kind: "burst"; writes: readonly Write[] }
  | { kind: "compact"; revision: RelativeRevision; physical: boolean }
  | { kind: "grant"; ID: bigint; TTL: bigint }
  | { kind: "revoke"; ID: bigint }
  | { kind: "time-to-live"; ID: bigint; keys: boolean }
  | { kind: "leases" }
  | { kind: "keep-alive"; ID: bigint }
  | { kind: "wait"; ms: number }
  | { kind: "watch"; stream: number; request: WatchCreate; start: RelativeRevision | undefined }
  | { kind: "cancel"; stream: number; watchId: bigint }
  | { kind: "progress"; stream: number }
  | { kind: "restart"; by: "stop" | "process" | "power" }
  | { kind: "crash-in-flight"; request: PutRequest; timers: number; by: "process" | "power" };

/** Watch streams that are open at once. */
export const streamCount = 2;

const names = ["a", "ab", "a\0", "b", "\xff", "\xff\xff", "k", ...Array.from({ length: 12 }, (_, i) => `k${i}`)];
const key = fc.oneof({ weight: 30, arbitrary: fc.constantFrom(...names) }, { weight: 1, arbitrary: fc.constant("") });
const value = fc.oneof(
  fc.constantFrom("", "v", "w", "\0", "\xff\xfe", "\n\n"),
  fc.string({ maxLength: 12, unit: "binary-ascii" }),
  fc.integer({ min: 100, max: 3000 }).map((length) => "long".repeat(length / 4)),
);
const rangeEnd = fc.oneof(
  { weight: 5, arbitrary: fc.constant("") },
  { weight: 4, arbitrary: fc.constantFrom("\0", "l", "k5", "b", "c", "\xff") },
  { weight: 2, arbitrary: key },
);
const often = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T> => arbitrary;
const rarely = fc.nat(4).map((n) => n === 0);
const leaseId = fc.constantFrom(1n, 2n, 3n, -1n, 9_223_372_036_854_775_807n);
const noLease = fc.oneof({ weight: 2, arbitrary: fc.constant(0n) }, { weight: 1, arbitrary: leaseId });
const bound = fc.oneof(
  { weight: 8, arbitrary: fc.constant(0n) },
  { weight: 3, arbitrary: fc.bigInt({ min: -1n, max: 40n }) },
);
const relative: fc.Arbitrary<RelativeRevision> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ from: fc.constant("now" as const), by: fc.integer({ min: -8, max: 2 }) }) },
  { weight: 3, arbitrary: fc.record({ from: fc.constant("compacted" as const), by: fc.integer({ min: -1, max: 2 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      from: fc.constant("zero" as const),
      by: fc.constantFrom(-3, -2, -1, 0, 1, 2, 1e6, Number.MAX_SAFE_INTEGER),
    }),
  },
);

const range: fc.Arbitrary<RangeRequest> = fc.record({
  key,
  rangeEnd,
  limit: fc.oneof(
    { weight: 3, arbitrary: fc.constant(0n) },
    { weight: 2, arbitrary: fc.bigInt({ min: -1n, max: 14n }) },
    { weight: 1, arbitrary: fc.constant(9_223_372_036_854_775_807n) },
  ),
  sortOrder: fc.oneof(
    { weight: 30, arbitrary: fc.constantFrom(0, 1, 2) },
    { weight: 1, arbitrary: fc.constantFrom(3, -1) },
  ),
  sortTarget: fc.oneof(
    { weight: 30, arbitrary: fc.constantFrom(0, 0, 1, 2, 3, 4) },
    { weight: 1, arbitrary: fc.constantFrom(5, -1) },
  ),
  serializable: fc.boolean(),
  keysOnly: rarely,
  countOnly: rarely,
  minModRevision: bound,
  maxModRevision: bound,
  minCreateRevision: bound,
  maxCreateRevision: bound,
});
const plainRange: fc.Arbitrary<RangeRequest> = fc.record({
  key,
  rangeEnd: fc.constantFrom("", "\0", "l"),
  limit: fc.constantFrom(0n, 0n, 3n, 10n, 11n),
  sortOrder: fc.constantFrom(0, 0, 1),
  sortTarget: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(1, 2, 3, 4) }),
  keysOnly: rarely,
  countOnly: rarely,
});
const put: fc.Arbitrary<PutRequest> = fc
  .record({
    key,
    value,
    lease: noLease,
    prevKv: fc.boolean(),
    ignoreValue: rarely,
    ignoreLease: rarely,
    isSloppy: rarely,
  })
  .map(({ isSloppy, ...request }) => ({
    ...request,
    value: request.ignoreValue && !isSloppy ? "" : request.value,
    lease: request.ignoreLease && !isSloppy ? 0n : request.lease,
  }));
const remove: fc.Arbitrary<DeleteRequest> = fc.record({ key, rangeEnd, prevKv: fc.boolean() });

const named = fc.oneof(
  fc.record({
    kind: fc.constantFrom("version", "createRevision", "modRevision", "lease"),
    value: fc.oneof(fc.bigInt({ min: 0n, max: 5n }), fc.bigInt({ min: -1n, max: 60n })),
  }),
  fc.record({ kind: fc.constant("value"), value }),
);
const kindOfTarget = ["version", "createRevision", "modRevision", "value", "lease"];
const compare: fc.Arbitrary<Compare> = fc
  .record({
    result: fc.oneof({ weight: 20, arbitrary: fc.constantFrom(0, 1, 2, 3) }, { weight: 1, arbitrary: fc.constant(7) }),
    targetUnion: named,
    key,
    rangeEnd: fc.oneof({ weight: 3, arbitrary: fc.constant("") }, { weight: 1, arbitrary: rangeEnd }),
    odd: fc.option(fc.constantFrom(0, 1, 2, 3, 4, 9), { freq: 12, nil: undefined }),
  })
  .map(({ odd, ...rest }) => ({ ...rest, target: odd ?? kindOfTarget.indexOf(rest.targetUnion.kind) }));

const { txn } = fc.letrec<{ txn: TxnRequest; operation: RequestOp }>((tie) => ({
  operation: fc.oneof(
    { weight: 6, arbitrary: put.map((request) => ({ request: { kind: "requestPut" as const, value: request } })) },
    {
      weight: 4,
      arbitrary: remove.map((request) => ({ request: { kind: "requestDeleteRange" as const, value: request } })),
    },
    {
      weight: 4,
      arbitrary: fc
        .tuple(
          range,
          fc.oneof(
            { weight: 4, arbitrary: fc.constant(0n) },
            { weight: 1, arbitrary: fc.bigInt({ min: -3n, max: 40n }) },
          ),
        )
        .map(([request, revision]) => ({
          request: { kind: "requestRange" as const, value: { ...request, revision } },
        })),
    },
    {
      weight: 2,
      arbitrary: tie("txn").map((request) => ({ request: { kind: "requestTxn" as const, value: request } })),
    },
    { weight: 0, arbitrary: fc.constant({}) },
  ),
  txn: fc.record({
    compare: fc.array(compare, { maxLength: 2 }),
    success: fc.array(tie("operation"), { maxLength: 4, depthIdentifier: "txn" }),
    failure: fc.array(tie("operation"), { maxLength: 3, depthIdentifier: "txn" }),
  }),
}));
const readTxn: fc.Arbitrary<TxnRequest> = fc
  .record({ compare: fc.array(compare, { maxLength: 2 }), ranges: fc.array(range, { maxLength: 3 }) })
  .map(({ compare: compares, ranges }) => ({
    compare: compares,
    success: ranges.map((request) => ({ request: { kind: "requestRange" as const, value: request } })),
  }));
const rangeOp: RequestOp = { request: { kind: "requestRange", value: { key: "a" } } };
const nested = (operations: number): RequestOp => ({
  request: { kind: "requestTxn", value: { failure: Array.from({ length: operations }, () => rangeOp) } },
});
/** At and over the bound on operations, at the top and below. */
const largeTxn = fc.constantFrom<TxnRequest[]>(
  { success: Array.from({ length: 129 }, () => rangeOp) },
  { failure: Array.from({ length: 128 }, () => rangeOp) },
  { success: [nested(127)] },
  { success: [nested(128)] },
  { success: [{}] },
  { compare: Array.from({ length: 129 }, () => ({ key: "a" })) },
);

/** Fills most of the keys at once. */
const fillTxn: fc.Arbitrary<TxnRequest> = fc
  .array(value, { minLength: names.length, maxLength: names.length })
  .map((values) => ({
    success: names.map((name, i) => ({
      request: { kind: "requestPut" as const, value: { key: name, value: values[i] as string, lease: 0n } },
    })),
  }));

const stream = fc.nat(streamCount - 1);
const watch: fc.Arbitrary<WatchCreate> = fc.record({
  key: fc.oneof(key, fc.constant("")),
  rangeEnd,
  filters: fc.constantFrom([], [], [], [0], [1], [0, 1], [5]),
  prevKv: fc.boolean(),
  progressNotify: rarely,
  fragment: rarely,
  watchId: fc.oneof(
    { weight: 5, arbitrary: fc.constant(0n) },
    { weight: 1, arbitrary: fc.constantFrom(1n, 2n, 7n, -5n, 9_223_372_036_854_775_807n) },
  ),
});
/** Sent together, in one turn. */
const write: fc.Arbitrary<Write> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("put" as const), request: put }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete" as const), request: remove }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("txn" as const), request: txn.filter((request) => !isReadOnly(request)) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("revoke" as const), ID: leaseId }) },
);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("burst" as const),
      writes: fc.array(write, { minLength: 2, maxLength: 12 }),
    }),
  },
  { weight: 24, arbitrary: fc.record({ kind: fc.constant("put" as const), request: put }) },
  { weight: 10, arbitrary: fc.record({ kind: fc.constant("delete" as const), request: remove }) },
  {
    weight: 14,
    arbitrary: fc.record({
      kind: fc.constant("txn" as const),
      request: fc.oneof(
        { weight: 12, arbitrary: txn },
        { weight: 3, arbitrary: readTxn },
        { weight: 1, arbitrary: largeTxn },
        { weight: 2, arbitrary: fillTxn },
      ),
    }),
  },
  {
    weight: 14,
    arbitrary: fc.record({
      kind: fc.constant("range" as const),
      request: range,
      revision: fc.option(relative, { nil: undefined, freq: 2 }),
      isStream: fc.constant(false),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("range" as const),
      request: fc.oneof({ weight: 5, arbitrary: plainRange }, { weight: 1, arbitrary: range }),
      revision: fc.option(relative, { nil: undefined, freq: 2 }),
      isStream: fc.constant(true),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("compact" as const), revision: relative, physical: fc.boolean() }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("grant" as const),
      ID: fc.oneof({ weight: 1, arbitrary: fc.constant(0n) }, { weight: 4, arbitrary: leaseId }),
      TTL: fc.constantFrom(
        -5n,
        0n,
        1n,
        2n,
        3n,
        4n,
        10n,
        200n,
        9_000_000_000n,
        9_000_000_001n,
        9_223_372_036_854_775_807n,
      ),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("revoke" as const), ID: leaseId }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant("time-to-live" as const), ID: leaseId, keys: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: "leases" as const }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("keep-alive" as const), ID: leaseId }) },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant("wait" as const),
      ms: often(fc.constantFrom(1, 90, 100, 250, 499, 500, 1000, 1700, 3000)),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant("watch" as const),
      stream,
      request: watch,
      start: fc.option(relative, { nil: undefined, freq: 2 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("cancel" as const),
      stream,
      watchId: fc.constantFrom(0n, 0n, 1n, 2n, 3n, 7n, -5n, -1n),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("progress" as const), stream }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("restart" as const),
      by: fc.constantFrom("stop" as const, "process" as const, "power" as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("crash-in-flight" as const),
      request: put,
      timers: fc.nat(4),
      by: fc.constantFrom("process" as const, "power" as const),
    }),
  },
);

/** What clients and chance do to a member, in order. */
export const histories: fc.Arbitrary<Operation[]> = fc.array(operation, { minLength: 20, maxLength: 70, size: "max" });
