import { randomBytes, randomInt } from "node:crypto";
import { silentLogger, silentMeter } from "@quorate/common";
import type { ListenerPorts } from "./listener.js";

/** The machine's clock and randomness, and nothing that logs or counts: for a server that has no ports of its own. */
export function systemPorts(): ListenerPorts {
  return {
    clock: {
      monotonicMs: () => performance.now(),
      wallMs: () => Date.now(),
      after(delayMs, run) {
        const timer = setTimeout(run, delayMs);
        return { cancel: () => clearTimeout(timer) };
      },
    },
    random: { integer: (min, max) => randomInt(min, max + 1), bytes: (length) => randomBytes(length) },
    logger: silentLogger,
    meter: silentMeter,
  };
}
