export { type ClockUnderTest, clockConformance, randomConformance } from "./clock-conformance.js";
export { type DiskUnderTest, diskConformance } from "./disk-conformance.js";
export { type PeerNetworksUnderTest, peerNetworkConformance } from "./peer-network-conformance.js";
export { checkHistory } from "./linearizability/check-history.js";
export type {
  Guard,
  History,
  HistoryFault,
  HistoryRevision,
  HistoryRule,
  KeyEvent,
  KeyRequest,
  KeyResult,
  KeySpan,
  KeyState,
  Operation,
  Sighting,
} from "./linearizability/history.js";
export { KeySpace } from "./linearizability/key-space.js";
export { runReadmeExample } from "./run-readme-example.js";
export { answer, runScripts, type ScriptRunner } from "./run-scripts.js";
export { SimulatedClock, settled } from "./simulated-clock.js";
export {
  type MemberWorld,
  SimulatedCluster,
  type SimulatedClusterOptions,
  type SimulatedProcess,
} from "./simulated-cluster.js";
export {
  type DiskOperation,
  PowerLoss,
  SimulatedDisk,
  type SimulatedDiskOptions,
  systemError,
} from "./simulated-disk.js";
export { type ClockFaults, SimulatedLife, trueClock } from "./simulated-life.js";
export { type DatabaseMark, SimulatedMachine } from "./simulated-machine.js";
export { type ArrivalGate, calmNetwork, type NetworkFaults, SimulatedNetwork } from "./simulated-network.js";
export { SimulatedRandom } from "./simulated-random.js";
