import { expect, it } from "vitest";
import { runCrashLoop } from "../src/index.js";

const seed = Number(process.env.SEED ?? 20_261_122);
const rounds = Number(process.env.ROUNDS ?? 3);

it(`keeps what it acknowledged through ${rounds} kills, SEED=${seed}`, async () => {
  const report = await runCrashLoop({ rounds, seed, print: (line) => console.log(line) });
  expect(report.problems).toEqual([]);
  expect(report.rounds).toBe(rounds);
  expect(report.acknowledged).toBeGreaterThan(0);
});
