import { readFileSync, renameSync, rmSync } from "node:fs";
import { type Endpoint, systemClock, type Transport } from "@quorate/client";
import { openHttp2Transport } from "../connection/http2-transport.js";
import type { TransportOptions } from "../connection/transport-options.js";
import { argumentText } from "../frame/argument-bytes.js";
import type { World } from "../world.js";
import { runProgram } from "./child.js";
import { createFile } from "./output-file.js";
import { fetchMetrics } from "./metrics.js";
import { standardInput } from "./standard-input.js";
import { standardOutput } from "./standard-output.js";
import { ask } from "./terminal.js";

/** The name this program was called by, which the launcher passes on, and its arguments. */
export function commandLine(): { programName: string; argv: string[] } {
  const words = process.argv.some((word) => word.includes("\ufffd")) ? rawArguments() : process.argv;
  const [, , programName = "quoratectl", ...argv] = words;
  return { programName, argv };
}

/** Node has replaced what is not UTF-8. The system still has the bytes; Node's own options stand in front. */
function rawArguments(): string[] {
  try {
    const words = argumentText(readFileSync("/proc/self/cmdline")).split("\0").slice(0, -1);
    return words.slice(words.length - process.argv.length);
  } catch {
    return process.argv; // another system than Linux: the replacement characters stay
  }
}

/** The world as this process has it. */
export function realWorld(programName: string): World {
  const stdin = standardInput();
  return {
    programName,
    env: process.env,
    stdin,
    stdout: standardOutput(1),
    stderr: standardOutput(2),
    clock: systemClock,
    now: () => new Date(),
    readFile: (path) => readFileSync(path),
    createFile,
    renameFile: (from, to) => renameSync(from, to),
    removeFile: (path) => rmSync(path, { force: true }),
    async resolveService(name) {
      const { resolveSrv } = await import("node:dns/promises");
      const records = await resolveSrv(name);
      records.sort((a, b) => a.priority - b.priority || b.weight - a.weight);
      return records.map((record) => ({ host: record.name, port: record.port }));
    },
    openTransport: (endpoint: Endpoint, options: TransportOptions): Transport => openHttp2Transport(endpoint, options),
    fetchMetrics,
    runProgram,
    onInterrupt(run) {
      process.on("SIGINT", run);
      process.on("SIGTERM", run);
      return () => {
        process.off("SIGINT", run);
        process.off("SIGTERM", run);
      };
    },
    ask: (question, options) => ask(question, options, stdin),
  };
}
