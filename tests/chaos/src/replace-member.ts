import { createClient } from "@quorate/client";
import type { ChaosCluster, ChaosMember } from "./chaos-cluster.js";

const attempts = 100;
const attemptEveryMs = 200;

/**
 * What an operator does when a machine is lost for good: remove the member, add another in its place, start that with an empty disk.
 * @returns the new member, which serves.
 */
export async function replaceMember(cluster: ChaosCluster, victim: ChaosMember): Promise<ChaosMember> {
  await cluster.lose(victim);
  const { leader } = await cluster.waitForLeader();
  await using client = createClient({ endpoints: [leader.process.clientUrl] });
  const { members } = await client.cluster.members();
  const gone = members.find(({ name }) => name === victim.name);
  if (gone === undefined)
    throw new Error(`${victim.name} is not a member: ${JSON.stringify(members.map(({ name }) => name))}`);
  // Refused while the leader does not know for long enough that the others are healthy.
  await patiently(() => client.cluster.remove(gone.id));
  const { member, begin } = await cluster.prepareNewcomer();
  await patiently(() => client.cluster.add([member.peerUrl]));
  await begin();
  return member;
}

/** Asks again while the cluster says that it is not the time. */
async function patiently(ask: () => Promise<unknown>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await ask();
      return;
    } catch (error) {
      const isUnhealthy = error instanceof Error && /unhealthy cluster|not enough started members/.test(error.message);
      if (!isUnhealthy || attempt === attempts) throw error;
      await new Promise((resolve) => setTimeout(resolve, attemptEveryMs));
    }
  }
}
