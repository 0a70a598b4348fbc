// Loaded into a daemon that is measured (NODE_OPTIONS=--import), and only then: answers questions about its main thread on a socket of its own.
//   "gc-start", "gc-stop": bytes allocated in between.   "cpu-start", "cpu-stop": a processor profile of what happened in between.
//   "heap-start", "heap-stop": a profile of what was allocated in between, whether it is still there or not.
import { Session } from "node:inspector";
import net from "node:net";
import v8 from "node:v8";
import { isMainThread } from "node:worker_threads";

// biome-ignore lint/suspicious/noUndeclaredEnvVars: no task of turbo runs this
const path = process.env.QUORATE_BENCH_PROBE;
/** Microseconds between two looks of the profiler. */
const samplingIntervalUs = 200;
/** Bytes allocated between two looks. */
const samplingIntervalBytes = 16_384;

class Allocations {
  #profiler = new v8.GCProfiler();
  #from = process.memoryUsage();

  start() {
    this.#from = process.memoryUsage();
    this.#profiler.start();
  }

  /** What was in use before a collection less what was left by the one before it was allocated in between. */
  stop() {
    const { statistics } = this.#profiler.stop();
    const now = process.memoryUsage();
    let { heapUsed: heap, external } = this.#from;
    let heapBytes = 0;
    let externalBytes = 0;
    for (const { beforeGC, afterGC } of statistics) {
      heapBytes += Math.max(0, beforeGC.heapStatistics.usedHeapSize - heap);
      externalBytes += Math.max(0, beforeGC.heapStatistics.externalMemory - external);
      heap = afterGC.heapStatistics.usedHeapSize;
      external = afterGC.heapStatistics.externalMemory;
    }
    heapBytes += Math.max(0, now.heapUsed - heap);
    externalBytes += Math.max(0, now.external - external);
    const pauseUs = statistics.reduce((sum, { cost }) => sum + cost, 0);
    return { heapBytes, externalBytes, collections: statistics.length, pauseUs };
  }
}

const allocations = new Allocations();
const session = new Session();

function post(method, parameters) {
  return new Promise((resolve, reject) => {
    session.post(method, parameters, (error, result) => (error === null ? resolve(result) : reject(error)));
  });
}

const commands = {
  "gc-start": () => allocations.start(),
  "gc-stop": () => allocations.stop(),
  "cpu-start": async () => {
    await post("Profiler.enable");
    await post("Profiler.setSamplingInterval", { interval: samplingIntervalUs });
    await post("Profiler.start");
  },
  "cpu-stop": async () => (await post("Profiler.stop")).profile,
  "heap-start": () =>
    post("HeapProfiler.startSampling", {
      samplingInterval: samplingIntervalBytes,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    }),
  "heap-stop": async () => (await post("HeapProfiler.stopSampling")).profile,
};

if (isMainThread && path !== undefined) {
  session.connect();
  const server = net.createServer((socket) => {
    socket.once("data", async (data) => {
      const result = await commands[data.toString().trim()]?.();
      socket.end(JSON.stringify(result ?? {}));
    });
  });
  server.listen(path).unref();
}
