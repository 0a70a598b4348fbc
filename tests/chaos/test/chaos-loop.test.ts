import { expect, it } from "vitest";
import { runChaos } from "../src/index.js";

const seed = Number(process.env.SEED ?? 20_261_122);
const rounds = Number(process.env.CHAOS_ROUNDS ?? 3);
const faults = process.env.CHAOS_FAULTS?.split(",") ?? ["kill-leader", "pause-leader", "isolate-leader"];

it(`keeps its word through ${rounds} rounds of harm, SEED=${seed}`, async () => {
  const report = await runChaos({ rounds, seed, faults, print: (line) => console.log(line) });
  expect(report.problems).toEqual([]);
  expect(report.rounds).toBe(rounds);
  expect(report.acknowledged).toBeGreaterThan(0);
  expect(report.reads).toBeGreaterThan(0);
});
