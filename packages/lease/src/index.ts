export { LeaseError, type LeaseFault } from "./lease-error.js";
export type { LeaseEvent } from "./lease-event.js";
export type { LeaseCheckpoint, LeaseRecord } from "./lease-record.js";
export { type LeaseWork, Lessor, type Renewal, type TimeToLive } from "./lessor.js";
export { defaultLessorOptions, type LessorOptions } from "./lessor-options.js";
