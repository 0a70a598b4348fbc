import type { Clock, Logger } from "@quorate/common";
import { silentLogger } from "@quorate/common";
import { describe, expect, it } from "vitest";
import { type SignalPort, type StopSignal, stopOnSignals } from "../../src/process/signals.js";

function build(options: { pid?: number; stop: () => Promise<void> }) {
  const handlers = new Map<StopSignal, Set<() => void>>([
    ["SIGTERM", new Set()],
    ["SIGINT", new Set()],
  ]);
  const said: string[] = [];
  let ring = (): void => {};
  const process: SignalPort = {
    pid: options.pid ?? 100,
    on: (signal, run) => handlers.get(signal)?.add(run),
    off: (signal, run) => handlers.get(signal)?.delete(run),
    raise: (signal) => said.push(`raise ${signal} ${[...handlers.values()].every((set) => set.size === 0)}`),
    exit: (code) => said.push(`exit ${code}`),
  };
  const clock: Clock = {
    monotonicMs: () => 0,
    wallMs: () => 0,
    after: (delayMs, run) => {
      said.push(`timer ${delayMs}`);
      ring = run;
      return { cancel: () => said.push("cancel") };
    },
  };
  const logger: Logger = {
    ...silentLogger,
    info: (message, fields) => said.push(`${message} ${String(fields?.signal)}`),
    error: (message) => said.push(message),
    warn: (message) => said.push(message),
  };
  stopOnSignals(options.stop, { deadlineMs: 9000 }, { process, clock, logger });
  const send = (signal: StopSignal): void => {
    for (const run of [...(handlers.get(signal) ?? [])]) run();
  };
  return { said, send, ring: () => ring() };
}

/** Lets promises that have settled run what waits for them. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("stopOnSignals", () => {
  it("stops, then raises the signal again with nothing in its way", async () => {
    const { said, send } = build({ stop: () => Promise.resolve() });
    send("SIGTERM");
    await settle();
    expect(said).toEqual(["received signal; shutting down terminated", "timer 9000", "cancel", "raise SIGTERM true"]);
  });

  it("exits with 0 as the first process of a machine", async () => {
    const { said, send } = build({ pid: 1, stop: () => Promise.resolve() });
    send("SIGINT");
    await settle();
    expect(said.at(0)).toBe("received signal; shutting down interrupt");
    expect(said.at(-1)).toBe("exit 0");
  });

  it("does not stop twice", async () => {
    let stops = 0;
    const { said, send } = build({
      stop: () => {
        stops += 1;
        return new Promise(() => {});
      },
    });
    send("SIGTERM");
    send("SIGTERM");
    send("SIGINT");
    await settle();
    expect([stops, said.length]).toEqual([1, 2]);
  });

  it("ends when the stop takes too long, once", async () => {
    let finish = (): void => {};
    const { said, send, ring } = build({
      stop: () =>
        new Promise<void>((resolve) => {
          finish = resolve;
        }),
    });
    send("SIGTERM");
    ring();
    finish();
    await settle();
    expect(said.filter((line) => line.startsWith("raise"))).toEqual(["raise SIGTERM true"]);
    expect(said).toContain("graceful stop takes too long");
  });

  it("ends also when the stop fails", async () => {
    const { said, send } = build({ stop: () => Promise.reject(new Error("disk")) });
    send("SIGTERM");
    await settle();
    expect(said).toContain("failed to stop");
    expect(said.at(-1)).toBe("raise SIGTERM true");
  });
});
