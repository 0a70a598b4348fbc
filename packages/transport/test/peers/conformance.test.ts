import { peerNetworkConformance } from "@quorate/testkit";
import { introduce, startPeer, until, untilLinked } from "./support.js";

peerNetworkConformance("on gRPC", async () => {
  const [one, two] = [await startPeer(1), await startPeer(2)];
  introduce(one, two);
  await Promise.all([untilLinked(one, two), untilLinked(two, one)]);
  return { networks: [one.network, two.network], until };
});
