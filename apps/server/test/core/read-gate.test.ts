import type { Clock, LogIndex } from "@quorate/common";
import { SimulatedRandom } from "@quorate/testkit";
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

type Read = { readonly serial: number; readonly name: string };

const read = (name: string): Read => ({ serial: name.charCodeAt(0), name });

function buildGate(seed = 1) {
  const clock = new ManualClock();
  const asked: Uint8Array[] = [];
  const served: string[] = [];
  const gate = new ReadGate<Read>(
    { ask: (context) => asked.push(context), serve: ({ name }) => served.push(name) },
    { clock, random: new SimulatedRandom(seed) },
  );
  return { gate, clock, asked, served };
}

const index = (value: number): LogIndex => value as LogIndex;

describe("ReadGate", () => {
  it("asks once for all reads of a turn, and says which read opened it", () => {
    const { gate, asked } = buildGate();
    expect([gate.wait(read("a")), gate.wait(read("b")), gate.wait(read("c"))]).toEqual([true, false, false]);
    gate.flush();
    expect(asked).toHaveLength(1);
    expect(gate.size).toBe(3);
  });

  it("serves nothing before the entries committed at the question are applied", () => {
    const { gate, asked, served } = buildGate();
    gate.wait(read("a"));
    gate.flush();
    gate.allowed(asked[0] as Uint8Array, index(7), index(6));
    expect(served).toEqual([]);
    gate.applied(index(7));
    expect(served).toEqual(["a"]);
    expect(gate.size).toBe(0);
  });

  it("does not serve a later turn's reads by an earlier turn's answer", () => {
    const { gate, asked, served } = buildGate();
    gate.wait(read("a"));
    gate.flush();
    gate.wait(read("b"));
    gate.flush();
    gate.allowed(asked[0] as Uint8Array, index(5), index(9));
    expect(served).toEqual(["a"]);
    gate.allowed(asked[1] as Uint8Array, index(6), index(9));
    expect(served).toEqual(["a", "b"]);
  });

  it("serves earlier reads, too, when only a later answer arrives", () => {
    const { gate, asked, served } = buildGate();
    gate.wait(read("a"));
    gate.flush();
    gate.wait(read("b"));
    gate.flush();
    gate.allowed(asked[1] as Uint8Array, index(6), index(6));
    expect(served).toEqual(["a", "b"]);
  });

  it("asks again when no answer comes, and stops asking when all are served", () => {
    const { gate, clock, asked, served } = buildGate();
    gate.wait(read("a"));
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
    gate.wait(read("a"));
    gate.flush();
    gate.wait(read("b"));
    expect(gate.drain().map(({ name }) => name)).toEqual(["a", "b"]);
    expect(gate.size).toBe(0);
  });

  it("believes no answer that an earlier life of the member asked for", () => {
    const [earlier, later] = [buildGate(1), buildGate(2)];
    for (const { gate } of [earlier, later]) {
      gate.wait(read("a"));
      gate.flush();
    }
    expect(later.gate.allowed(earlier.asked[0] as Uint8Array, index(3), index(9))).toBe(false);
    expect(later.served).toEqual([]);
    expect(later.gate.allowed(later.asked[0] as Uint8Array, index(4), index(9))).toBe(true);
    expect(later.served).toEqual(["a"]);
  });

  it("gives up what the old leader has not answered, and keeps what only waits to be applied", () => {
    const { gate, asked, served } = buildGate();
    for (const name of ["a", "b"]) {
      gate.wait(read(name));
      gate.flush();
    }
    gate.allowed(asked[0] as Uint8Array, index(5), index(4));
    gate.wait(read("c"));
    expect(gate.leaderChanged().map(({ name }) => name)).toEqual(["b"]);
    gate.applied(index(5));
    expect(served).toEqual(["a"]);
    expect(gate.size).toBe(1);
  });

  it("forgets a read that is given up, and asks no more for reads that all are", () => {
    const { gate, clock, asked, served } = buildGate();
    gate.wait(read("a"));
    gate.wait(read("b"));
    gate.flush();
    expect(gate.giveUp(98)?.name).toBe("b");
    expect(gate.giveUp(98)).toBeUndefined();
    gate.allowed(asked[0] as Uint8Array, index(1), index(1));
    expect(served).toEqual(["a"]);
    gate.wait(read("c"));
    gate.flush();
    gate.giveUp(99);
    clock.advance(5000);
    expect(asked).toHaveLength(2);
  });
});
