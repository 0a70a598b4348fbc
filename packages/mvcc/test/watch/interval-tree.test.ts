import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Interval, IntervalTree } from "../../src/watch/interval-tree.js";

const point = fc.string({ unit: fc.constantFrom("a", "b", "\u00ff", "\u0000"), maxLength: 3 });
const interval: fc.Arbitrary<Interval> = fc.record({
  start: point,
  end: fc.option(point, { nil: undefined, freq: 4 }),
});
const nameOf = ({ start, end }: Interval): string => JSON.stringify([start, end]);

describe("IntervalTree", () => {
  it("finds what a walk over all intervals finds, and stays balanced", () => {
    const step = fc.record({ interval, isRemoval: fc.boolean(), point });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150, size: "max" }), (steps) => {
        const tree = new IntervalTree<Interval>();
        const model = new Map<string, Interval>();
        for (const { interval: bounds, isRemoval, point: at } of steps) {
          const name = nameOf(bounds);
          expect(tree.find(bounds)).toBe(model.get(name));
          if (isRemoval) expect(tree.remove(bounds)).toBe(model.delete(name));
          else if (!model.has(name)) {
            tree.add(bounds);
            model.set(name, bounds);
          }
          tree.check();
          expect(tree.size).toBe(model.size);
          const found: Interval[] = [];
          tree.collect(at, found);
          const wanted = [...model.values()].filter(({ start, end }) => start <= at && (end === undefined || at < end));
          expect(found.map(nameOf).sort()).toEqual(wanted.map(nameOf).sort());
        }
        expect(tree.items().map(nameOf).sort()).toEqual([...model.keys()].sort());
      }),
    );
  });

  it("holds ten thousand intervals added in order", () => {
    const tree = new IntervalTree<Interval>();
    const key = (i: number): string => String(i).padStart(5, "0");
    for (let i = 0; i < 10_000; i++) tree.add({ start: key(i), end: key(i + 2) });
    tree.check();
    const found: Interval[] = [];
    tree.collect(key(5_000), found);
    expect(found.map(({ start }) => start)).toEqual([key(4_999), key(5_000)]);
  });
});
