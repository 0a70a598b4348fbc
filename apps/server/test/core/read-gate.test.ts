import type { Clock, LogIndex } from "@quorate/common";
import { describe, expect, it } from "vitest";
import { ReadGate } from "../../src/core/read-gate.js";

class ManualClock implements Clock {
  #now = 0;
  #timers: { at: number; run: () => void; isCancelled: boolean }[] = [];
  monotonicMs(): number {
    return this.#now;
  }
  wallMs(): number {
    return this.#now;
  }
  after(delayMs: number, run: () => void): { cancel(): void } {
    const timer = { at: this.#now + delayMs, run, isCancelled: false };
    this.#timers.push(timer);
    return {
      cancel: () => {
        timer.isCancelled = true;
      },
    };
  }
  advance(ms: number): void {
    this.#now += ms;
    const due = this.#timers.filter((timer) => timer.at <= this.#now);
    this.#timers = this.#timers.filter((timer) => timer.at > this.#now);
    for (const timer of due) if (!timer.isCancelled) timer.run();
  }
}

function buildGate() {
  const clock = new ManualClock();
  const asked: Uint8Array[] = [];
  const served: string[] = [];
  const gate = new ReadGate<string>(
    { ask: (context) => asked.push(context), serve: (read) => served.push(read) },
    { clock },
  );
  return { gate, clock, asked, served };
}

const index = (value: number): LogIndex => value as LogIndex;

describe("ReadGate", () => {
  it("asks once for all reads of a turn, and says which read opened it", () => {
    const { gate, asked } = buildGate();
    expect([gate.wait("a"), gate.wait("b"), gate.wait("c")]).toEqual([true, false, false]);
    gate.flush();
    expect(asked).toHaveLength(1);
    expect(gate.size).toBe(3);
  });

  it("serves nothing before the entries committed at the question are applied", () => {
    const { gate, asked, served } = buildGate();
    gate.wait("a");
    gate.flush();
    gate.allowed(asked[0] as Uint8Array, index(7), index(6));
    expect(served).toEqual([]);
    gate.applied(index(7));
    expect(served).toEqual(["a"]);
    expect(gate.size).toBe(0);
  });

  it("does not serve a later turn's reads by an earlier turn's answer", () => {
    const { gate, asked, served } = buildGate();
    gate.wait("a");
    gate.flush();
    gate.wait("b");
    gate.flush();
    gate.allowed(asked[0] as Uint8Array, index(5), index(9));
    expect(served).toEqual(["a"]);
    gate.allowed(asked[1] as Uint8Array, index(6), index(9));
    expect(served).toEqual(["a", "b"]);
  });

  it("serves earlier reads, too, when only a later answer arrives", () => {
    const { gate, asked, served } = buildGate();
    gate.wait("a");
    gate.flush();
    gate.wait("b");
    gate.flush();
    gate.allowed(asked[1] as Uint8Array, index(6), index(6));
    expect(served).toEqual(["a", "b"]);
  });

  it("asks again when no answer comes, and stops asking when all are served", () => {
    const { gate, clock, asked, served } = buildGate();
    gate.wait("a");
    gate.flush();
    clock.advance(500);
    clock.advance(500);
    expect(asked).toHaveLength(3);
    gate.allowed(asked[2] as Uint8Array, index(1), index(1));
    expect(served).toEqual(["a"]);
    clock.advance(5000);
    expect(asked).toHaveLength(3);
  });

  it("hands back what waits when it is drained", () => {
    const { gate } = buildGate();
    gate.wait("a");
    gate.flush();
    gate.wait("b");
    expect(gate.drain()).toEqual(["a", "b"]);
    expect(gate.size).toBe(0);
  });
});
