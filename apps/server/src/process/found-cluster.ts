import type { MemberId } from "@quorate/common";
import type { Config } from "../config/config.js";
import {
  describeMismatch,
  type Identity,
  identityOf,
  type InitialCluster,
  memberIdOf,
  missingLocal,
  parseInitialCluster,
  sharedUrl,
} from "../config/initial-cluster.js";
import type { LogLine } from "../config/log-line.js";
import { type MemberUrl, parseUrls } from "../config/member-url.js";
import type { MemberRecord } from "../core/membership.js";
import { type AskUrl, describeRemote, fetchCluster, isCompatible, type RemoteCluster } from "./remote-cluster.js";
import { bootstrapFailed, discoveryFailed, type StartFailure } from "./start-failure.js";

/** Finds the address of a host. @throws the resolver's error. */
export type Resolve = (host: string) => Promise<string>;

/** What finding a cluster needs of the world. */
export type FoundPorts = Readonly<{ resolve: Resolve; ask: AskUrl }>;

/**
 * Who a new member is. One that founds its cluster has written down who the founders are; one that joins has asked, begins with nothing, and waits for
 * the leader.
 */
export type Founding = Readonly<{
  kind: "founding";
  identity: Identity;
  isJoining: boolean;
  /** The members as far as they are known before the log tells: where the others can be reached. */
  known: readonly MemberRecord[];
  lines: readonly LogLine[];
}>;

/**
 * Derives the ids of a member that has no log yet: checks that it is among the founders, or asks the cluster that it joins.
 * @see etcd 3.7.1, config.VerifyBootstrap, bootstrapNewClusterNoWAL and bootstrapExistingClusterNoWAL.
 */
export async function foundCluster(config: Config, ports: FoundPorts): Promise<Founding | StartFailure> {
  const cluster = parseInitialCluster(config.bootstrap.initialCluster);
  if (typeof cluster === "string") return discoveryFailed(`error setting up initial cluster: ${cluster}`);
  const missing = missingLocal(cluster, config.name);
  if (missing !== undefined) return bootstrapFailed(missing);
  return config.bootstrap.isNewCluster ? found(config, cluster, ports) : join(config, cluster, ports);
}

async function found(config: Config, cluster: InitialCluster, ports: FoundPorts): Promise<Founding | StartFailure> {
  const { token, advertisedPeerUrls: advertised } = config.bootstrap;
  const listed = cluster.get(config.name) ?? [];
  const difference = await whyDifferent(advertised.map(textOf), listed.map(textOf), ports.resolve);
  const wrong = describeMismatch({ name: config.name, listed, advertised }, difference) ?? sharedUrl(cluster);
  if (wrong !== undefined) return bootstrapFailed(wrong);
  const identity = identityOf(cluster, token, config.name);
  if (identity === undefined) return bootstrapFailed(missingLocal(cluster, config.name) ?? "");
  // Who cannot be asked has not been founded either: nothing is said of it.
  const remote = await fetchCluster(remoteUrls(cluster, config.name), ports.ask, []);
  const self = remote?.members.find(({ id }) => id === identity.member);
  if (self !== undefined && self.clientURLs.length > 0) {
    return bootstrapFailed(`member ${identity.member.toString(16)} has already been bootstrapped`);
  }
  const known = identity.members.map(({ id, peerUrls }) => recordOf(id, peerUrls));
  return { kind: "founding", identity, isJoining: false, known, lines: [] };
}

async function join(config: Config, cluster: InitialCluster, ports: FoundPorts): Promise<Founding | StartFailure> {
  const shared = sharedUrl(cluster);
  if (shared !== undefined) return bootstrapFailed(shared);
  const lines: LogLine[] = [];
  const remote = await fetchCluster(remoteUrls(cluster, config.name), ports.ask, lines);
  if (remote === undefined) {
    const reason = "could not retrieve cluster information from the given URLs";
    return bootstrapFailed(`cannot fetch cluster info from peer urls: ${reason}`, lines);
  }
  const assigned = await assignIds(cluster, remote, ports.resolve);
  if (typeof assigned === "string") {
    return bootstrapFailed(`error validating peerURLs ${describeRemote(remote)}: ${assigned}`, lines);
  }
  const member = assigned.get(config.name);
  if (member === undefined) return bootstrapFailed(missingLocal(cluster, config.name) ?? "", lines);
  const others = remote.members.filter(({ id }) => id !== member);
  if (!(await isCompatible(others, ports.ask, lines))) {
    return bootstrapFailed("incompatible with current running cluster", lines);
  }
  const { learnersMax } = config.bootstrap;
  if (remote.members.filter(({ isLearner }) => isLearner).length > learnersMax) {
    return bootstrapFailed("membership: too many learner members in cluster", lines);
  }
  const identity: Identity = { member, cluster: remote.cluster, members: [] };
  return { kind: "founding", identity, isJoining: true, known: remote.members, lines };
}

/**
 * Finds each member of the setting in the running cluster, by its peer URLs.
 * @returns the ids by name, or why they do not fit.
 * @see etcd 3.7.1, membership.ValidateClusterAndAssignIDs.
 */
async function assignIds(
  cluster: InitialCluster,
  remote: RemoteCluster,
  resolve: Resolve,
): Promise<ReadonlyMap<string, MemberId> | string> {
  if (remote.members.length !== cluster.size) return "member count is unequal";
  const locals = [...cluster].map(([name, urls]) => ({ name, urls: urls.map(textOf) }));
  locals.sort((a, b) => (memberIdOf(a.urls, "") < memberIdOf(b.urls, "") ? -1 : 1));
  const ids = new Map<string, MemberId>();
  for (const { id, peerURLs } of [...remote.members].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    let difference: string | undefined;
    let isFound = false;
    for (const { name, urls } of locals) {
      difference = await whyDifferent([...peerURLs].sort(), urls, resolve);
      isFound = difference === undefined;
      if (!isFound) continue;
      ids.set(name, id);
      break;
    }
    if (isFound) continue;
    const member = `(${id.toString(16)}, [${peerURLs.join(" ")}])`;
    return `PeerURLs: no match found for existing member ${member}, last resolver error (${difference})`;
  }
  return ids;
}

function remoteUrls(cluster: InitialCluster, local: string): readonly string[] {
  return [...cluster].flatMap(([name, urls]) => (name === local ? [] : urls.map(textOf))).sort();
}

function recordOf(id: MemberId, peerURLs: readonly string[]): MemberRecord {
  return { id, name: "", peerURLs, clientURLs: [], isLearner: false };
}

const textOf = (url: MemberUrl): string => url.text;

/** @returns undefined when both lists mean the same addresses. */
async function whyDifferent(
  ours: readonly string[],
  theirs: readonly string[],
  resolve: Resolve,
): Promise<string | undefined> {
  if (ours.length !== theirs.length) return `len(${quoted(ours)}) != len(${quoted(theirs)})`;
  if (ours.every((url, index) => url === theirs[index])) return undefined;
  try {
    const resolved = [await resolveAll(ours, resolve), await resolveAll(theirs, resolve)] as const;
    const index = resolved[0].findIndex((text, i) => text !== resolved[1][i]);
    return index < 0 ? undefined : `resolved urls: "${resolved[0][index]}" != "${resolved[1][index]}"`;
  } catch (error) {
    return `failed to resolve host: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function quoted(texts: readonly string[]): string {
  return `[${texts.map((one) => JSON.stringify(one)).join(" ")}]`;
}

async function resolveAll(urls: readonly string[], resolve: Resolve): Promise<readonly string[]> {
  const resolved = urls.map(async (url) => {
    const parsed = parseUrls([url]);
    const only = parsed.kind === "urls" ? parsed.urls[0] : undefined;
    if (only === undefined || only.scheme.startsWith("unix")) return url;
    return `${only.scheme}://${await resolve(only.host)}:${only.port}`;
  });
  return (await Promise.all(resolved)).sort();
}
