import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Clock, type LogIndex, silentLogger, silentMeter, type Term, type Timer } from "@quorate/common";
import type { EntryId, Mvcc, MvccOptions, MvccPorts } from "../../src/index.js";
import { openMvcc } from "../../src/index.js";

/** A clock that rings when told to. */
export class ManualClock implements Clock {
  #now = 0;
  #timers: { at: number; run: () => void }[] = [];

  monotonicMs(): number {
    return this.#now;
  }

  wallMs(): number {
    return this.#now;
  }

  after(delayMs: number, run: () => void): Timer {
    const timer = { at: this.#now + delayMs, run };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#now = due.at;
      due.run();
    }
    this.#now = end;
  }
}

/** A real clock, for tests of the store thread. */
export const realClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Ports with a clock of the test's choice; whatever is fatal is thrown. */
export function buildPorts(over: Partial<MvccPorts> = {}): MvccPorts {
  return {
    clock: new ManualClock(),
    logger: silentLogger,
    meter: silentMeter,
    fatal: (error) => {
      throw error;
    },
    ...over,
  };
}

/** A fresh directory, removed at the end of the process's tests by `removeScratch`. */
export function scratchDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "quorate-mvcc-"));
  scratch.push(directory);
  return directory;
}

const scratch: string[] = [];

/** For `afterEach`. */
export function removeScratch(): void {
  for (const directory of scratch.splice(0)) rmSync(directory, { recursive: true, force: true });
}

/** A store in a fresh directory, in this thread unless told otherwise. */
export function mustOpen(options: Partial<MvccOptions> = {}, ports: MvccPorts = buildPorts()): Mvcc {
  return openMvcc({ path: `${scratchDirectory()}/db`, storeThread: false, ...options }, ports);
}

/** The entry after the last one applied. */
export function nextEntry(mvcc: Mvcc): EntryId {
  return { index: (mvcc.applied.index + 1) as LogIndex, term: 1 as Term };
}

export const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");
export const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : Buffer.from(value).toString("latin1");
