export { ChaosCluster, type ChaosMember, type ClusterOptions } from "./chaos-cluster.js";
export { type ChaosOptions, type ChaosReport, runChaos } from "./chaos-loop.js";
export { type Damage, faults } from "./faults.js";
export { type Cut, PeerProxy, type Sources } from "./peer-proxy.js";
export { Reader } from "./reader.js";
export { replaceMember } from "./replace-member.js";
