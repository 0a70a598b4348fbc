import { runCrashLoop } from "./crash-loop.js";

const rounds = Number(process.env.ROUNDS ?? 50);
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 1_000_000_000));
console.log(`crash loop: ${rounds} rounds, SEED=${seed}`);
const report = await runCrashLoop({ rounds, seed, print: (line) => console.log(line) });
for (const problem of report.problems.slice(0, 50)) console.log(`problem: ${problem}`);
const failed = report.problems.length === 0 ? 0 : 1;
console.log(
  `crash loop: SEED=${seed}, ${report.acknowledged} writes acknowledged and there, ${report.landed} more without an answer, ${report.expired} leases expired, ${report.problems.length} problems`,
);
console.log(`${report.rounds - failed} passed, ${failed} failed`);
process.exitCode = failed;
