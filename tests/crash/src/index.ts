export { type CrashOptions, type CrashReport, runCrashLoop } from "./crash-loop.js";
export { describeChanges, type Change, type KeyState, type Observation, type RevisionChanges } from "./history.js";
export { Worker } from "./load.js";
export { MemberClient, type MemberStatus, NoAnswer } from "./member-client.js";
export { type Attempt, CrashModel } from "./model.js";
export { observe } from "./observe.js";
export { SeededRandom } from "./random.js";
