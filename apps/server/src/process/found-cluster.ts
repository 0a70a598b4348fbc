import type { Config } from "../config/config.js";
import {
  describeMismatch,
  type Identity,
  identityOf,
  missingLocal,
  parseInitialCluster,
  sharedUrl,
} from "../config/initial-cluster.js";
import type { MemberUrl } from "../config/member-url.js";
import { bootstrapFailed, discoveryFailed, type StartFailure } from "./start-failure.js";

/** Finds the address of a host. @throws the resolver's error. */
export type Resolve = (host: string) => Promise<string>;

/** Who a new member is. Names and URLs must agree with the settings of the cluster; addresses are compared where texts differ. */
export type Founding = Readonly<{ kind: "founding"; identity: Identity }>;

const severalMembers = "--initial-cluster: a cluster of several members is not available in this version";
const joining = "--initial-cluster-state=existing: joining a cluster is not available in this version";

/**
 * Derives the ids of a member that has no log yet, and checks that it is among the founders.
 * @see etcd 3.7.1, config.VerifyBootstrap.
 */
export async function foundCluster(config: Config, resolve: Resolve): Promise<Founding | StartFailure> {
  const { initialCluster, token, advertisedPeerUrls, isNewCluster } = config.bootstrap;
  const cluster = parseInitialCluster(initialCluster);
  if (typeof cluster === "string") return discoveryFailed(`error setting up initial cluster: ${cluster}`);
  const missing = missingLocal(cluster, config.name);
  if (missing !== undefined) return bootstrapFailed(missing);
  const listed = cluster.get(config.name) ?? [];
  const difference = await whyDifferent(advertisedPeerUrls, listed, resolve);
  const ours = { name: config.name, listed, advertised: advertisedPeerUrls };
  const wrong = describeMismatch(ours, difference) ?? sharedUrl(cluster);
  if (wrong !== undefined) return bootstrapFailed(wrong);
  if (!isNewCluster) return bootstrapFailed(joining);
  const identity = identityOf(cluster, token, config.name);
  if (identity === undefined || cluster.size > 1) return bootstrapFailed(severalMembers);
  return { kind: "founding", identity };
}

/** @returns undefined when both lists mean the same addresses. */
async function whyDifferent(
  ours: readonly MemberUrl[],
  theirs: readonly MemberUrl[],
  resolve: Resolve,
): Promise<string | undefined> {
  const textOf = (url: MemberUrl): string => url.text;
  if (ours.length !== theirs.length) return `len(${quoted(ours.map(textOf))}) != len(${quoted(theirs.map(textOf))})`;
  if (ours.every((url, index) => url.text === theirs[index]?.text)) return undefined;
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

async function resolveAll(urls: readonly MemberUrl[], resolve: Resolve): Promise<readonly string[]> {
  const resolved = urls.map(async (url) => {
    if (url.scheme.startsWith("unix")) return url.text;
    return `${url.scheme}://${await resolve(url.host)}:${url.port}`;
  });
  return (await Promise.all(resolved)).sort();
}
