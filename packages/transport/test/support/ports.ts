import { randomBytes, randomInt } from "node:crypto";
import { type Clock, type Random, silentLogger, silentMeter } from "@quorate/common";
import type { ListenerPorts } from "../../src/index.js";

/** The real clock: for tests that go through sockets. */
export const realClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

const random: Random = { integer: (min, max) => randomInt(min, max + 1), bytes: (length) => randomBytes(length) };

/** Ports of a listener on real sockets. */
export function realPorts(): ListenerPorts {
  return { clock: realClock, logger: silentLogger, meter: silentMeter, random };
}
