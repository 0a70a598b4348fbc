import { workerData } from "node:worker_threads";
import { type CopyRequest, copyDatabase } from "./copy.js";

// A thread for one backup: the store thread goes on writing. What it throws reaches its starter as an error.
copyDatabase(workerData as CopyRequest);
