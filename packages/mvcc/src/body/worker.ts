import { parentPort, workerData } from "node:worker_threads";
import { assert } from "@quorate/common";
import { BodyExecutor } from "./executor.js";
import type { WriterSettings } from "./schema.js";
import type { FromThread, ToThread } from "./thread-body.js";

// The store thread: the only writer of the database file.
assert(parentPort !== null, "the store thread is started as a worker");
const port = parentPort;
const executor = new BodyExecutor(workerData as WriterSettings);

const answer = (message: FromThread): void => port.postMessage(message);

port.on("message", (message: ToThread) => {
  if (message.kind === "close") {
    executor.close();
    port.close();
    return;
  }
  try {
    answer({ kind: "done", result: executor.run(message.job) });
  } catch (error) {
    const { message: text, stack } = error as Error;
    answer({ kind: "failed", message: text, code: (error as { code?: string }).code, stack });
  }
});
