export { type CrashOptions, type CrashReport, runCrashLoop } from "./crash-loop.js";
export type { Change, KeyState, Observation, RevisionChanges } from "./history.js";
export { type Attempt, CrashModel } from "./model.js";
export { SeededRandom } from "./random.js";
