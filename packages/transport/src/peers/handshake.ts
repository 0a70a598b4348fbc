import type { ClusterId, LogFields, MemberId } from "@quorate/common";
import type { CallInfo } from "../grpc/call.js";
import { Code, type Status } from "../grpc/status.js";

/** Who speaks. Versions are `3.7.1`. */
export type PeerIdentity = Readonly<{
  self: MemberId;
  cluster: ClusterId;
  version: Readonly<{
    server: string;
    /** The oldest server that this one can be in a cluster with. */
    minCluster: string;
  }>;
}>;

/** Why a member is not spoken to. */
export type Refusal = "malformed" | "version" | "cluster" | "member" | "removed";

/** What the caller is told, in etcd's words. It finds the reason again by them. */
const words: Readonly<Record<Refusal, string>> = {
  malformed: "malformed peer headers",
  version: "incompatible version",
  cluster: "cluster ID mismatch",
  member: "cannot process message to mismatch member",
  removed: "removed member",
};

/** What is logged here. */
const lines: Readonly<Record<Refusal, string>> = {
  malformed: "rejected stream from remote peer because its headers are malformed",
  version: "failed to check version compatibility",
  cluster: "request cluster ID mismatch",
  member: "ignored streaming request; ID mismatch",
  removed: "rejected stream from remote peer because it was removed",
};

const name = {
  cluster: "quorate-cluster-id",
  from: "quorate-from",
  to: "quorate-to",
  version: "quorate-server-version",
  minCluster: "quorate-min-cluster-version",
} as const;

/** The metadata that goes with each call to that peer. */
export function callHeaders(identity: PeerIdentity, to: MemberId): readonly (readonly [string, string])[] {
  return [
    [name.cluster, hex(identity.cluster)],
    [name.from, hex(identity.self)],
    [name.to, hex(to)],
    [name.version, identity.version.server],
    [name.minCluster, identity.version.minCluster],
  ];
}

/** A caller that may go on, or why it may not: what it is told, and what is to be logged. */
export type Admission =
  | Readonly<{ kind: "admitted"; from: MemberId }>
  | Readonly<{ kind: "refused"; refusal: Refusal; status: Status; line: string; fields: LogFields; from: string }>;

/** Looks at the metadata of a call. */
export function admit(call: CallInfo, identity: PeerIdentity, isRemoved: (member: MemberId) => boolean): Admission {
  const { metadata } = call;
  const given = {
    cluster: metadata.get(name.cluster) ?? "",
    from: metadata.get(name.from) ?? "",
    to: metadata.get(name.to) ?? "",
    version: metadata.get(name.version) ?? "",
    minCluster: metadata.get(name.minCluster) ?? "",
  };
  const from = parseId(given.from);
  const refusal = from === undefined ? "malformed" : refusalOf(given, from, identity, isRemoved);
  if (from !== undefined && refusal === undefined) return { kind: "admitted", from };
  const why = refusal ?? "malformed";
  return {
    kind: "refused",
    refusal: why,
    status: { code: Code.FailedPrecondition, message: words[why] },
    line: lines[why],
    from: given.from.slice(0, 16),
    fields: {
      "local-member-id": hex(identity.self),
      "local-member-cluster-id": hex(identity.cluster),
      "local-member-server-version": identity.version.server,
      "local-member-server-minimum-cluster-version": identity.version.minCluster,
      "remote-peer-server-name": given.from.slice(0, 64),
      "remote-peer-server-version": given.version.slice(0, 64),
      "remote-peer-server-minimum-cluster-version": given.minCluster.slice(0, 64),
      "remote-peer-cluster-id": given.cluster.slice(0, 64),
      "remote-peer-id-stream-handler": given.to.slice(0, 64),
      "remote-addr": `${call.peer.remoteAddress}:${call.peer.remotePort}`,
    },
  };
}

function refusalOf(
  given: Readonly<{ cluster: string; to: string; version: string; minCluster: string }>,
  from: MemberId,
  { self, cluster, version }: PeerIdentity,
  isRemoved: (member: MemberId) => boolean,
): Refusal | undefined {
  const [theirs, theirMin] = [parseVersion(given.version), parseVersion(given.minCluster)];
  if (theirs === undefined || theirMin === undefined) return "malformed";
  const [ours, ourMin] = [parseVersion(version.server) ?? 0, parseVersion(version.minCluster) ?? 0];
  if (ours < theirMin || theirs < ourMin) return "version";
  if (given.cluster !== hex(cluster)) return "cluster";
  if (isRemoved(from)) return "removed";
  return given.to === hex(self) && from !== self ? undefined : "member";
}

/** The reason in a peer's answer, or undefined when it is another failure. */
export function refusalIn(status: Readonly<{ code: number; details: string }>): Refusal | undefined {
  if (status.code !== Code.FailedPrecondition) return undefined;
  return (Object.keys(words) as Refusal[]).find((refusal) => words[refusal] === status.details);
}

/** An id as people see it. */
export function hex(id: bigint): string {
  return id.toString(16);
}

function parseId(text: string): MemberId | undefined {
  return /^[0-9a-f]{1,16}$/.test(text) ? (BigInt(`0x${text}`) as MemberId) : undefined;
}

/** A number that grows with the version. Each part is below a thousand. */
function parseVersion(text: string): number | undefined {
  const [, major, minor, patch] = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})/.exec(text) ?? [];
  return major === undefined ? undefined : (Number(major) * 1000 + Number(minor)) * 1000 + Number(patch);
}
