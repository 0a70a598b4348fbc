import type { ClusterId, MemberId } from "@quorate/common";
import type { LogLine } from "../config/log-line.js";
import type { MemberRecord } from "../core/membership.js";
import type { PeerAnswer } from "./ask-peer.js";

/** A running cluster as one of its members describes it. */
export type RemoteCluster = Readonly<{ cluster: ClusterId; members: readonly MemberRecord[] }>;

/** Asks a peer with a GET for a path of its peer URL. @throws when there is no answer. */
export type AskUrl = (url: string) => Promise<PeerAnswer>;

/** The oldest and the newest version of a cluster that this server can be in. */
const versions = { min: 3000, max: 3007 };

/**
 * Asks one URL after the other who the members of its cluster are.
 * @returns undefined when nobody can tell. `lines` say who could not.
 * @see etcd 3.7.1, getClusterFromRemotePeers.
 */
export async function fetchCluster(
  urls: readonly string[],
  ask: AskUrl,
  lines: LogLine[],
): Promise<RemoteCluster | undefined> {
  for (const url of urls) {
    const address = `${url}/members`;
    try {
      const answer = await ask(address);
      const id = answer.header("x-etcd-cluster-id") ?? "";
      if (!/^[0-9a-f]{1,16}$/.test(id)) {
        const fields = { address, header: id };
        lines.push({ level: "warn", message: "failed to parse cluster ID", fields });
        continue;
      }
      const members = readMembers(answer.body);
      // An empty list is the answer of a member that knows nothing itself.
      if (members.length > 0) return { cluster: BigInt(`0x${id}`) as ClusterId, members };
    } catch (error) {
      lines.push({
        level: "warn",
        message: "failed to get cluster response",
        fields: { address, error: textOf(error) },
      });
    }
  }
  return undefined;
}

/** Whether a server of this version may join the cluster: at least one member must have told a version, and none one that does not fit. */
export async function isCompatible(members: readonly MemberRecord[], ask: AskUrl, lines: LogLine[]): Promise<boolean> {
  const told = await Promise.all(members.map((member) => fetchVersion(member, ask, lines)));
  let isKnown = false;
  for (const [index, version] of told.entries()) {
    const rank = rankOf(version);
    if (rank === undefined) continue;
    if (rank < versions.min || rank > versions.max) {
      const fields = {
        "remote-member-id": members[index]?.id.toString(16),
        "remote-member-cluster-version": version,
      };
      const message = `cluster version of remote member is not compatible; too ${rank < versions.min ? "low" : "high"}`;
      lines.push({ level: "warn", message, fields });
      return false;
    }
    isKnown = true;
  }
  return isKnown;
}

async function fetchVersion(member: MemberRecord, ask: AskUrl, lines: LogLine[]): Promise<string | undefined> {
  for (const url of member.peerURLs) {
    const address = `${url}/version`;
    try {
      const read = JSON.parse((await ask(address)).body) as { etcdcluster?: string };
      return read.etcdcluster;
    } catch (error) {
      const fields = { address, "remote-member-id": member.id.toString(16), error: textOf(error) };
      lines.push({ level: "warn", message: "failed to get version", fields });
    }
  }
  return undefined;
}

function rankOf(version: string | undefined): number | undefined {
  const found = /^(\d{1,3})\.(\d{1,3})\./.exec(version ?? "");
  return found === null ? undefined : Number(found[1]) * 1000 + Number(found[2]);
}

/** Reads the list of members of a peer. Ids are numbers of 64 bits, which JSON.parse would round. */
function readMembers(body: string): readonly MemberRecord[] {
  const quoted = body.replaceAll(/"id":\s*(\d+)/g, '"id":"$1"');
  const read = JSON.parse(quoted) as readonly Partial<Omit<MemberRecord, "id"> & { id: string }>[];
  return read.map(({ id = "0", name = "", peerURLs, clientURLs, isLearner = false }) => {
    return { id: BigInt(id) as MemberId, name, peerURLs: peerURLs ?? [], clientURLs: clientURLs ?? [], isLearner };
  });
}

/** A cluster as it stands in messages: Go's form of the structure. */
export function describeRemote({ cluster, members }: RemoteCluster): string {
  const texts = members.map((member) => {
    const raft = `{PeerURLs:[${member.peerURLs.join(" ")}] IsLearner:${member.isLearner}}`;
    const attributes = `{Name:${member.name} ClientURLs:[${member.clientURLs.join(" ")}]}`;
    return `&{ID:${member.id.toString(16)} RaftAttributes:${raft} Attributes:${attributes}}`;
  });
  return `{ClusterID:${cluster.toString(16)} Members:[${texts.join(" ")}] RemovedMemberIDs:[]}`;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
