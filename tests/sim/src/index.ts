export { makePlan, type PlanOptions } from "./make-plan.js";
export type { ClientAction, Plan, Setting, Step, WorldAction } from "./plan.js";
export { type RunCounts, type RunResult, runPlan } from "./run-plan.js";
export { type SearchCounts, type SearchResult, search } from "./search.js";
export { type Runner, shrink } from "./shrink.js";
