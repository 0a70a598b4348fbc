import { runChaos } from "./chaos-loop.js";

const rounds = Number(process.env.CHAOS_ROUNDS ?? 20);
const size = Number(process.env.CHAOS_MEMBERS ?? 3);
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 1_000_000_000));
const faults = process.env.CHAOS_FAULTS?.split(",");
console.log(`chaos: ${rounds} rounds, ${size} members, faults ${faults?.join(", ") ?? "of all kinds"}, SEED=${seed}`);
const report = await runChaos({ rounds, seed, size, faults, print: (line) => console.log(line) });
for (const problem of report.problems.slice(0, 50)) console.log(`problem: ${problem}`);
const failed = report.problems.length === 0 ? 0 : 1;
const elections = [...report.elections].sort((a, b) => a - b).map(Math.round);
const { length } = elections;
console.log(
  `chaos: SEED=${seed}, ${report.acknowledged} writes acknowledged and there, ${report.reads} reads, ${report.problems.length} problems`,
);
if (length > 0) {
  const [median, slowest] = [elections[length >> 1], elections[length - 1]];
  console.log(`chaos: ${length} elections, from the harm to a leader: median ${median} ms, slowest ${slowest} ms`);
}
console.log(`${report.rounds - failed} passed, ${failed} failed`);
// At once: with sockets that were reset, Node's own clean-up at the end of a program may wait for ever for a handle that is gone.
process.exit(failed);
