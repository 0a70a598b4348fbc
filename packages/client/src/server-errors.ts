import { StatusCode } from "./status-code.js";

/** What is known about a refusal by its text: etcd's clients recognise errors by it, and so does this one. */
type Known = readonly [message: string, code: `etcd/${string}`, happened?: "may have run"];

const known = [
  ["etcdserver: key is not provided", "etcd/key-empty"],
  ["etcdserver: key not found", "etcd/key-not-found"],
  ["etcdserver: value is provided", "etcd/value-provided"],
  ["etcdserver: lease is provided", "etcd/lease-provided"],
  ["etcdserver: too many operations in txn request", "etcd/too-many-operations"],
  ["etcdserver: duplicate key given in txn request", "etcd/duplicate-key"],
  ["etcdserver: invalid client api version", "etcd/invalid-api-version"],
  ["etcdserver: invalid sort option", "etcd/invalid-sort"],
  ["etcdserver: mvcc: required revision has been compacted", "etcd/compacted"],
  ["etcdserver: mvcc: required revision is a future revision", "etcd/future-revision"],
  // A member that finds the quota exceeded while it applies an entry has carried it out, and answers this all the same.
  ["etcdserver: mvcc: database space exceeded", "etcd/no-space", "may have run"],
  ["etcdserver: request is too large", "etcd/request-too-large"],
  ["etcdserver: too many requests", "etcd/too-many-requests"],
  ["etcdserver: requested lease not found", "etcd/lease-not-found"],
  ["etcdserver: lease already exists", "etcd/lease-exists"],
  ["etcdserver: too large lease TTL", "etcd/lease-ttl-too-large"],
  ["etcdserver: watch canceled", "etcd/watch-canceled"],
  ["mvcc: watcher range is empty", "etcd/watch-range-empty"],
  ["mvcc: duplicate watch ID provided on the WatchStream", "etcd/watch-id-exists"],
  ["etcdserver: member ID already exist", "etcd/member-exists"],
  ["etcdserver: Peer URLs already exists", "etcd/peer-url-exists"],
  ["etcdserver: re-configuration failed due to not enough started members", "etcd/too-few-started-members"],
  ["etcdserver: given member URLs are invalid", "etcd/invalid-member-urls"],
  ["etcdserver: member not found", "etcd/member-not-found"],
  ["etcdserver: can only promote a learner member", "etcd/not-a-learner"],
  ["etcdserver: can only promote a learner member which is in sync with leader", "etcd/learner-not-ready"],
  ["etcdserver: too many learner members in cluster", "etcd/too-many-learners"],
  ["etcdserver: cluster ID mismatch", "etcd/cluster-id-mismatch"],
  ["etcdserver: root user does not exist", "etcd/root-user-missing"],
  ["etcdserver: root user does not have root role", "etcd/root-role-missing"],
  ["etcdserver: user name already exists", "etcd/user-exists"],
  ["etcdserver: user name is empty", "etcd/user-empty"],
  ["etcdserver: user name not found", "etcd/user-not-found"],
  ["etcdserver: role name already exists", "etcd/role-exists"],
  ["etcdserver: role name not found", "etcd/role-not-found"],
  ["etcdserver: role name is empty", "etcd/role-empty"],
  ["etcdserver: authentication failed, invalid user ID or password", "etcd/authentication-failed"],
  ["etcdserver: permission not given", "etcd/permission-missing"],
  ["etcdserver: permission denied", "etcd/permission-denied"],
  ["etcdserver: role is not granted to the user", "etcd/role-not-granted"],
  ["etcdserver: permission is not granted to the role", "etcd/permission-not-granted"],
  ["etcdserver: authentication is not enabled", "etcd/auth-not-enabled"],
  ["etcdserver: invalid auth token", "etcd/invalid-token"],
  ["etcdserver: invalid auth management", "etcd/invalid-auth-management"],
  ["etcdserver: revision of auth store is old", "etcd/auth-revision-old"],
  ["etcdserver: no leader", "etcd/no-leader"],
  ["etcdserver: not leader", "etcd/not-leader"],
  ["etcdserver: leader changed", "etcd/leader-changed", "may have run"],
  ["etcdserver: not capable", "etcd/not-capable"],
  ["etcdserver: server stopped", "etcd/server-stopped", "may have run"],
  ["etcdserver: request timed out", "etcd/timeout", "may have run"],
  [
    "etcdserver: request timed out, possibly due to previous leader failure",
    "etcd/timeout-leader-failure",
    "may have run",
  ],
  ["etcdserver: request timed out, possibly due to connection lost", "etcd/timeout-connection-lost", "may have run"],
  [
    "etcdserver: request timed out, waiting for the applied index took too long",
    "etcd/timeout-applied-index",
    "may have run",
  ],
  ["etcdserver: unhealthy cluster", "etcd/unhealthy-cluster"],
  ["etcdserver: corrupt cluster", "etcd/corrupt-cluster"],
  ["etcdserver: rpc not supported for learner", "etcd/learner"],
  ["etcdserver: bad leader transferee", "etcd/bad-transferee"],
  ["etcdserver: wrong downgrade target version format", "etcd/bad-version-format"],
  ["etcdserver: invalid downgrade target version", "etcd/bad-target-version"],
  ["etcdserver: cluster version not found during downgrade", "etcd/no-cluster-version"],
  ["etcdserver: cluster has a downgrade job in progress", "etcd/downgrade-in-progress"],
  ["etcdserver: no inflight downgrade job", "etcd/no-downgrade"],
  ["auth: authentication failed, password was given for no password user", "etcd/no-password-user"],
  ["raft proposal dropped", "etcd/proposal-dropped", "may have run"],
] as const satisfies readonly Known[];

/** A refusal known by its text. */
export type KnownServerCode = (typeof known)[number][1];

/** A failure that is known by its status only. */
export type StatusServerCode =
  | "etcd/canceled"
  | "etcd/unknown"
  | "etcd/invalid-argument"
  | "etcd/deadline-exceeded"
  | "etcd/not-found"
  | "etcd/already-exists"
  | "etcd/resource-exhausted"
  | "etcd/failed-precondition"
  | "etcd/aborted"
  | "etcd/out-of-range"
  | "etcd/unimplemented"
  | "etcd/internal"
  | "etcd/unavailable"
  | "etcd/data-loss"
  | "etcd/unauthenticated";

const byMessage = new Map<string, Known>(known.map((one) => [one[0], one]));

/** Statuses by which a server refuses before it does anything, unless the text is known to mean more. */
const refusals = new Set<number>([
  StatusCode.InvalidArgument,
  StatusCode.NotFound,
  StatusCode.AlreadyExists,
  StatusCode.PermissionDenied,
  StatusCode.FailedPrecondition,
  StatusCode.OutOfRange,
  StatusCode.Unimplemented,
  StatusCode.Unauthenticated,
]);

const byStatus = new Map<number, StatusServerCode | KnownServerCode>([
  [StatusCode.Canceled, "etcd/canceled"],
  [StatusCode.Unknown, "etcd/unknown"],
  [StatusCode.InvalidArgument, "etcd/invalid-argument"],
  [StatusCode.DeadlineExceeded, "etcd/deadline-exceeded"],
  [StatusCode.NotFound, "etcd/not-found"],
  [StatusCode.AlreadyExists, "etcd/already-exists"],
  [StatusCode.PermissionDenied, "etcd/permission-denied"],
  [StatusCode.ResourceExhausted, "etcd/resource-exhausted"],
  [StatusCode.FailedPrecondition, "etcd/failed-precondition"],
  [StatusCode.Aborted, "etcd/aborted"],
  [StatusCode.OutOfRange, "etcd/out-of-range"],
  [StatusCode.Unimplemented, "etcd/unimplemented"],
  [StatusCode.Internal, "etcd/internal"],
  [StatusCode.Unavailable, "etcd/unavailable"],
  [StatusCode.DataLoss, "etcd/data-loss"],
  [StatusCode.Unauthenticated, "etcd/unauthenticated"],
]);

/** The code of a failure, and whether a request that was sent may have been carried out in spite of it. */
export function classify(
  status: number,
  message: string,
): { code: KnownServerCode | StatusServerCode; mayHaveRun: boolean } {
  const entry = byMessage.get(message);
  if (entry !== undefined) return { code: entry[1] as KnownServerCode, mayHaveRun: entry[2] !== undefined };
  return { code: byStatus.get(status) ?? "etcd/unknown", mayHaveRun: !refusals.has(status) };
}
