import { lookup } from "node:dns/promises";
import { readFileSync } from "node:fs";
import { arch, networkInterfaces, platform } from "node:os";
import process from "node:process";
import type { Wait } from "../http/profiles.js";
import type { ProcessView } from "../http/debug-pages.js";
import { readFileDescriptors } from "@quorate/telemetry";
import { RealClock } from "../ports/real-clock.js";
import { askPeer } from "./ask-peer.js";
import type { ProcessWorld } from "./daemon.js";
import { defaultHostOf } from "./default-host.js";
import { systemdNotify } from "./systemd-notify.js";

/** The process that runs this program. */
export function realProcess(): ProcessWorld {
  return {
    argv: process.argv.slice(2),
    environment: process.env,
    readFile: (path) => readFileSync(path),
    runtime: { version: process.version, platform: platform(), architecture: arch() },
    defaultHost: findDefaultHost(),
    clock: new RealClock(),
    askPeer,
    resolve: async (host) => (await lookup(host)).address,
    signals: {
      pid: process.pid,
      on: (signal, run) => process.on(signal, run),
      off: (signal, run) => process.off(signal, run),
      raise: (signal) => process.kill(process.pid, signal),
      exit: (code) => process.exit(code),
    },
    notifyInit: systemdNotify(process.env),
    onUncaught: (run) => process.on("uncaughtException", run),
    writeOut: (text) => process.stdout.write(text),
    writeError: (text) => process.stderr.write(text),
    exit: (code) => process.exit(code),
  };
}

/** The process as `/debug` shows it. */
export const realProcessView: ProcessView = {
  argv: process.argv,
  memory: () => ({ ...process.memoryUsage() }),
  fileDescriptorLimit: () => readFileDescriptors().limit,
  activeResources: () => process.getActiveResourcesInfo(),
};

/** Waits by the real clock, or until the signal. */
export const realWait: Wait = (ms, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });

function findDefaultHost(): string | undefined {
  try {
    return defaultHostOf(readFileSync("/proc/net/route", "utf8"), networkInterfaces());
  } catch {
    return undefined; // another system: nothing is advertised in place of 0.0.0.0
  }
}
