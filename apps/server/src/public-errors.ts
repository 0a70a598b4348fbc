import type { LeaseFault } from "@quorate/lease";
import type { MvccFault } from "@quorate/mvcc";
import type { RaftFault } from "@quorate/raft";
import { Code } from "@quorate/transport";
import type { ServerFault } from "./server-fault.js";

/** Everything that can be refused. Each package's union joins here. */
export type Fault = MvccFault | LeaseFault | RaftFault | ServerFault;

type PublicError = Readonly<{ status: number; message: string }>;

/** A fault etcd has no public error for: it reaches the client as its internal text. */
const inner = (message: string): PublicError => ({ status: Code.Unknown, message });

/** What a client sees of each fault. The text is contract: etcd's clients recognise an error by it. */
export const publicErrors = {
  "server/empty-key": { status: Code.InvalidArgument, message: "etcdserver: key is not provided" },
  "server/key-not-found": { status: Code.InvalidArgument, message: "etcdserver: key not found" },
  "server/value-provided": { status: Code.InvalidArgument, message: "etcdserver: value is provided" },
  "server/lease-provided": { status: Code.InvalidArgument, message: "etcdserver: lease is provided" },
  "server/too-many-operations": {
    status: Code.InvalidArgument,
    message: "etcdserver: too many operations in txn request",
  },
  "server/duplicate-key": { status: Code.InvalidArgument, message: "etcdserver: duplicate key given in txn request" },
  "server/invalid-sort": { status: Code.InvalidArgument, message: "etcdserver: invalid sort option" },
  "server/range-stream-sort": {
    status: Code.Unimplemented,
    message: "RangeStream does not support custom sort orders",
  },
  "server/range-stream-filter": {
    status: Code.Unimplemented,
    message: "RangeStream does not support revision filters",
  },
  "server/no-space": { status: Code.ResourceExhausted, message: "etcdserver: mvcc: database space exceeded" },
  "server/corrupt": { status: Code.DataLoss, message: "etcdserver: corrupt cluster" },
  "server/request-too-large": { status: Code.InvalidArgument, message: "etcdserver: request is too large" },
  "server/answer-too-large": {
    status: Code.ResourceExhausted,
    message: "grpc: trying to send message larger than max",
  },
  "server/too-many-requests": { status: Code.Unknown, message: "etcdserver: too many requests" },
  "server/no-leader": { status: Code.Unavailable, message: "etcdserver: no leader" },
  "server/not-leader": { status: Code.FailedPrecondition, message: "etcdserver: not leader" },
  "server/leader-changed": { status: Code.Unavailable, message: "etcdserver: leader changed" },
  "server/bad-leader-transferee": { status: Code.FailedPrecondition, message: "etcdserver: bad leader transferee" },
  "server/timed-out": { status: Code.Unavailable, message: "etcdserver: request timed out" },
  "server/timed-out-leader-failed": {
    status: Code.Unavailable,
    message: "etcdserver: request timed out, possibly due to previous leader failure",
  },
  "server/timed-out-connection-lost": {
    status: Code.Unavailable,
    message: "etcdserver: request timed out, possibly due to connection lost",
  },
  "server/timed-out-apply": {
    status: Code.Unavailable,
    message: "etcdserver: request timed out, waiting for the applied index took too long",
  },
  "server/timed-out-transfer": inner("etcdserver: request timed out, leader transfer took too long"),
  "server/deadline": { status: Code.DeadlineExceeded, message: "context deadline exceeded" },
  "server/unhealthy": { status: Code.Unavailable, message: "etcdserver: unhealthy cluster" },
  "server/stopped": { status: Code.Unavailable, message: "etcdserver: server stopped" },
  "server/not-capable": { status: Code.FailedPrecondition, message: "etcdserver: not capable" },
  "server/learner": { status: Code.FailedPrecondition, message: "etcdserver: rpc not supported for learner" },
  "server/client-version": { status: Code.InvalidArgument, message: "etcdserver: invalid client api version" },
  "server/watch-canceled": { status: Code.Canceled, message: "etcdserver: watch canceled" },
  "server/unknown-alarm-action": { status: Code.InvalidArgument, message: "etcdserver: unknown alarm action" },
  "server/malformed-request": {
    status: Code.Internal,
    message: "grpc: error unmarshalling request: proto: cannot parse invalid wire-format data",
  },
  "server/member-not-found": { status: Code.NotFound, message: "etcdserver: member not found" },
  "server/member-removed": { status: Code.NotFound, message: "etcdserver: member not found" },
  "server/member-exists": { status: Code.FailedPrecondition, message: "etcdserver: member ID already exist" },
  "server/member-not-learner": {
    status: Code.FailedPrecondition,
    message: "etcdserver: can only promote a learner member",
  },
  "server/peer-url-exists": { status: Code.FailedPrecondition, message: "etcdserver: Peer URLs already exists" },
  "server/bad-member-urls": { status: Code.InvalidArgument, message: "etcdserver: given member URLs are invalid" },
  "server/too-many-learners": {
    status: Code.FailedPrecondition,
    message: "etcdserver: too many learner members in cluster",
  },
  "server/learner-not-ready": {
    status: Code.FailedPrecondition,
    message: "etcdserver: can only promote a learner member which is in sync with leader",
  },
  "server/not-enough-started": inner("etcdserver: re-configuration failed due to not enough started members"),
  "lease/not-found": { status: Code.NotFound, message: "etcdserver: requested lease not found" },
  "lease/exists": { status: Code.FailedPrecondition, message: "etcdserver: lease already exists" },
  "lease/ttl-too-large": { status: Code.OutOfRange, message: "etcdserver: too large lease TTL" },
  "lease/not-primary": { status: Code.Unknown, message: "not a primary lessor" },
  "mvcc/compacted": { status: Code.OutOfRange, message: "etcdserver: mvcc: required revision has been compacted" },
  "mvcc/future-revision": {
    status: Code.OutOfRange,
    message: "etcdserver: mvcc: required revision is a future revision",
  },
  "mvcc/key-not-found": { status: Code.InvalidArgument, message: "etcdserver: key not found" },
  "mvcc/closed": { status: Code.Unavailable, message: "etcdserver: server stopped" },
  "mvcc/replaced": {
    status: Code.Unavailable,
    message: "etcdserver: the database was replaced by a snapshot from the leader",
  },
  "mvcc/cannot-open": inner("mvcc: cannot open database"),
  "mvcc/foreign-file": inner("mvcc: foreign file"),
  "mvcc/newer-format": inner("mvcc: newer format"),
  "mvcc/corrupt": inner("mvcc: corrupt database"),
  "mvcc/io": inner("mvcc: input/output error"),
  "raft/proposal-dropped": inner("raft proposal dropped"),
  "raft/conf-change-refused": inner("raft proposal dropped"),
  "raft/read-dropped": { status: Code.Unavailable, message: "etcdserver: no leader" },
  "raft/not-leader": { status: Code.FailedPrecondition, message: "etcdserver: not leader" },
  "raft/step-unknown-peer": inner("raft: cannot step as peer not found"),
  "raft/step-local": inner("raft: cannot step raft local message"),
  "raft/invalid-conf-change": inner("raft: invalid configuration change"),
  "raft/invalid-options": inner("raft: invalid options"),
  "raft/malformed": inner("raft: malformed data"),
  "raft/compacted": inner("requested index is unavailable due to compaction"),
  "raft/unavailable": inner("requested entry at index is unavailable"),
  "raft/snapshot-out-of-date": inner("requested index is older than the existing snapshot"),
} satisfies Record<Fault["code"], PublicError>;

/** The status and text for a fault. */
export function publicError(fault: Fault): PublicError {
  return publicErrors[fault.code];
}
