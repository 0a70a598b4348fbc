export { type ClockUnderTest, clockConformance, randomConformance } from "./clock-conformance.js";
export { type DiskUnderTest, diskConformance } from "./disk-conformance.js";
export { runReadmeExample } from "./run-readme-example.js";
export { answer, runScripts, type ScriptRunner } from "./run-scripts.js";
export { SimulatedClock, settled } from "./simulated-clock.js";
export {
  type DiskOperation,
  PowerLoss,
  SimulatedDisk,
  type SimulatedDiskOptions,
  systemError,
} from "./simulated-disk.js";
export { calmNetwork, type NetworkFaults, SimulatedNetwork } from "./simulated-network.js";
export { SimulatedRandom } from "./simulated-random.js";
