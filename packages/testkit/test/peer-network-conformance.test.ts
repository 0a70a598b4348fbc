import type { MemberId } from "@quorate/common";
import {
  calmNetwork,
  peerNetworkConformance,
  SimulatedClock,
  SimulatedNetwork,
  SimulatedRandom,
} from "../src/index.js";

peerNetworkConformance("simulated", async () => {
  const clock = new SimulatedClock();
  const network = new SimulatedNetwork(calmNetwork, { clock, random: new SimulatedRandom(8) });
  const [one, two] = [1n as MemberId, 2n as MemberId];
  const networks = [network.join(one), network.join(two)] as const;
  networks[0].setPeers([{ member: two, urls: ["http://two"] }]);
  networks[1].setPeers([{ member: one, urls: ["http://one"] }]);
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await clock.advance(1);
  };
  return { networks, until };
});
