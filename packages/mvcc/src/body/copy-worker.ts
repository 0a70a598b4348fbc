import { workerData } from "node:worker_threads";
import { type CopyRequest, copyDatabase } from "./copy.js";
import { lowerThreadPriority } from "./thread-priority.js";

// A thread for one backup: the store thread goes on writing. What it throws reaches its starter as an error.
// It has time: where the processor is short, those who wait for an answer come first.
lowerThreadPriority();
copyDatabase(workerData as CopyRequest);
