import { createHash } from "node:crypto";
import type { ClusterId, MemberId } from "@quorate/common";
import { joinUrls, type MemberUrl, parseUrls } from "./member-url.js";

/** The members that found a cluster, by name, with their peer URLs sorted. Names come in the order of the setting. */
export type InitialCluster = ReadonlyMap<string, readonly MemberUrl[]>;

/** A member that founds the cluster. */
export type FoundingMember = Readonly<{ id: MemberId; name: string; peerUrls: readonly string[] }>;

/** Who a new member is, and with whom. Members are sorted by id. */
export type Identity = Readonly<{ member: MemberId; cluster: ClusterId; members: readonly FoundingMember[] }>;

/** Reads `name=url,name=url,...`; a name may come more than once. @returns the reason when it cannot be read. */
export function parseInitialCluster(text: string): InitialCluster | string {
  const texts = new Map<string, string[]>();
  for (const part of text.split(",")) {
    if (part === "") continue;
    const equals = part.indexOf("=");
    const name = equals < 0 ? part : part.slice(0, equals);
    texts.set(name, [...(texts.get(name) ?? []), equals < 0 ? "" : part.slice(equals + 1)]);
  }
  const cluster = new Map<string, readonly MemberUrl[]>();
  for (const [name, urls] of texts) {
    const parsed = parseUrls(urls);
    if (parsed.kind === "invalid") return parsed.reason;
    cluster.set(name, parsed.urls);
  }
  return cluster;
}

/** The setting that founds a cluster of one: `name=url,name=url` for each of its peer URLs. */
export function clusterOfOne(name: string, urls: readonly MemberUrl[]): string {
  return urls.map((url) => `${name === "" ? "default" : name}=${url.text}`).join(",");
}

/** The cluster as it stands in messages, sorted. */
export function describeCluster(cluster: InitialCluster): string {
  return [...cluster]
    .flatMap(([name, urls]) => urls.map((url) => `${name}=${url.text}`))
    .sort()
    .join(",");
}

/**
 * The id of a member: the first eight bytes of SHA-1 over its peer URLs, sorted, and the token.
 * @param peerUrls as they are written; host names are not lowered.
 * @see etcd 3.7.1, membership.NewMember.
 */
export function memberIdOf(peerUrls: readonly string[], token: string): MemberId {
  return firstEightBytes(new TextEncoder().encode([...peerUrls].sort(byBytes).join("") + token)) as MemberId;
}

/** The id of a cluster: the first eight bytes of SHA-1 over the ids of its founders, ascending, eight bytes each. */
export function clusterIdOf(members: readonly MemberId[]): ClusterId {
  const bytes = Buffer.alloc(members.length * 8);
  const ascending = [...members].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  for (const [index, id] of ascending.entries()) bytes.writeBigUInt64BE(id, index * 8);
  return firstEightBytes(bytes) as ClusterId;
}

/** Ids of the founders of a cluster. @param local name of this member, which must be among them. */
export function identityOf(cluster: InitialCluster, token: string, local: string): Identity | undefined {
  const members = [...cluster].map(([name, urls]) => {
    const peerUrls = urls.map((url) => url.text);
    return { id: memberIdOf(peerUrls, token), name, peerUrls };
  });
  const self = members.find((member) => member.name === local);
  if (self === undefined) return undefined;
  members.sort((a, b) => (a.id < b.id ? -1 : 1));
  return { member: self.id, cluster: clusterIdOf(members.map((member) => member.id)), members };
}

function firstEightBytes(bytes: Uint8Array): bigint {
  return createHash("sha1").update(bytes).digest().readBigUInt64BE(0);
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** What is wrong when this member is not among the founders. */
export function missingLocal(cluster: InitialCluster, local: string): string | undefined {
  if (cluster.has(local)) return undefined;
  return `couldn't find local name ${JSON.stringify(local)} in the initial cluster configuration`;
}

/** What is wrong when two founders have one URL. */
export function sharedUrl(cluster: InitialCluster): string | undefined {
  const urls = [...cluster.values()].flat().map((url) => url.text);
  return new Set(urls).size < urls.length ? `initial cluster ${describeCluster(cluster)} has duplicate url` : undefined;
}

/**
 * Says how the URLs of this member in the cluster differ from the ones it advertises, when they do.
 * @param resolved why they are not equal after names have been resolved; undefined when they are.
 */
export function describeMismatch(
  ours: Readonly<{ name: string; listed: readonly MemberUrl[]; advertised: readonly MemberUrl[] }>,
  resolved: string | undefined,
): string | undefined {
  if (resolved === undefined) return undefined;
  const { name, listed, advertised } = ours;
  const texts = (urls: readonly MemberUrl[]): readonly string[] => [...new Set(urls.map((url) => url.text))];
  const notAdvertised = texts(listed).filter((url) => !texts(advertised).includes(url));
  if (notAdvertised.length > 0) {
    const missing = notAdvertised.map((url) => `${name}=${url}`).join(",");
    return `--initial-cluster has ${missing} but missing from --initial-advertise-peer-urls=${joinUrls(advertised)} (${resolved})`;
  }
  const notListed = texts(advertised).filter((url) => !texts(listed).includes(url));
  const cluster = describeCluster(new Map([[name, advertised]]));
  if (notListed.length > 0) {
    return `--initial-advertise-peer-urls has ${notListed.join(",")} but missing from --initial-cluster=${cluster}`;
  }
  return `failed to resolve ${joinUrls(advertised)} to match --initial-cluster=${cluster} (${resolved})`;
}
