import type { SeededRandom } from "@quorate/tests-crash";
import type { ChaosCluster, ChaosMember } from "./chaos-cluster.js";
import { replaceMember } from "./replace-member.js";

/** What a fault left behind: who does not serve until all is healed, and whether a new leader has to be found. */
export type Damage = { readonly victims: readonly ChaosMember[]; readonly needsElection: boolean };

type Fault = (cluster: ChaosCluster, random: SeededRandom) => Promise<Damage>;

/** Every kind of harm, by name. Each leaves a majority that can go on. */
export const faults: Readonly<Record<string, Fault>> = {
  /** `kill -9` of the leader. */
  "kill-leader": async (cluster) => {
    const { leader } = await cluster.waitForLeader();
    await cluster.kill(leader);
    return { victims: [leader], needsElection: true };
  },
  "kill-follower": async (cluster, random) => {
    const victim = await pickFollower(cluster, random);
    await cluster.kill(victim);
    return { victims: [victim], needsElection: false };
  },
  /** The leader stops in its tracks, wakes up later, and must not believe that it still leads. */
  "pause-leader": async (cluster) => {
    const { leader } = await cluster.waitForLeader();
    cluster.pause(leader);
    return { victims: [leader], needsElection: true };
  },
  "isolate-leader": async (cluster, random) => {
    const { leader } = await cluster.waitForLeader();
    cluster.isolate(leader, random.pick(["reset", "silent"] as const));
    return { victims: [leader], needsElection: true };
  },
  /** A follower that hears nobody, or that nobody hears. */
  "one-way": async (cluster, random) => {
    const victim = await pickFollower(cluster, random);
    cluster.isolate(victim, random.pick(["reset", "silent"] as const), random.pick(["in", "out"] as const));
    return { victims: [victim], needsElection: false };
  },
  /** The leader is asked to end, and hands over first. */
  "stop-leader": async (cluster) => {
    const { leader } = await cluster.waitForLeader();
    await leader.process.stop("SIGTERM");
    return { victims: [leader], needsElection: true };
  },
  /** All at once: what was acknowledged is on disk. */
  "kill-all": async (cluster) => {
    await Promise.all(cluster.members.map((member) => cluster.kill(member)));
    for (const member of cluster.members) member.process.start();
    return { victims: [], needsElection: true };
  },
  /** A member dies with its disk and another one takes its place. */
  "lose-disk": async (cluster, random) => {
    await replaceMember(cluster, random.pick(cluster.members));
    return { victims: [], needsElection: false };
  },
};

async function pickFollower(cluster: ChaosCluster, random: SeededRandom): Promise<ChaosMember> {
  const { leader } = await cluster.waitForLeader();
  return random.pick(cluster.members.filter((member) => member !== leader));
}
