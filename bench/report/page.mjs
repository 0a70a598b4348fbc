// docs/performance.md and the README's table, as text.
import { cellsOf, figure, headings, markdownTable, median, ratiosOf, shown } from "../table.mjs";
import { budgetLines } from "./budgets.mjs";
import { explanations } from "./explanations.mjs";

const whole = (number) => number.toLocaleString("en");
const day = (date) => date.slice(0, 10);
const minutes = (seconds) => `${(seconds / 60).toFixed(0)} minutes`;

function machineText(bench) {
  const { machine, settings, syncs, peer, date } = bench;
  const sync = syncs.map(({ p50us }) => p50us);
  const clean = machine.isCommitClean ? "" : ", with changes that were not committed";
  return [
    `Measured on ${day(date)} at commit ${machine.commit}${clean}: ${machine.processors} × ${machine.processor}, ${machine.memoryGb} GB, ${machine.system},`,
    `Node ${machine.node}. The load runs on the same processors. Peer: ${peer ?? "none"}. ${whole(settings.keys)} keys, values of ${settings.valueBytes} bytes, ${settings.rounds}`,
    `rounds in turns (A B A B), ${settings.seconds} s each load, ${minutes(settings.tookSeconds)} in all; the machine's load before was ${machine.loadBefore.toFixed(1)}. A plain write of`,
    `4 KiB with \`fdatasync\` took ${Math.round(Math.min(...sync))} to ${Math.round(Math.max(...sync))} µs (median of each round).`,
    ...(settings.isQuick ? ["", "**A quick run: too short and too small to mean much.**"] : []),
  ].join("\n");
}

/** How a row stands to its target. */
function targetText(row) {
  const { target, factor, isLess } = explanations[row.id] ?? {};
  if (target === undefined) return "";
  const ratios = ratiosOf(row);
  const over =
    ratios === undefined || factor === undefined ? "" : `; about ${(ratios.median / factor).toFixed(1)} over 3.7.1`;
  return `${isLess ? "≤" : "≥"} ${target}× of 3.7.1${over}`;
}

function rowsText(bench) {
  const lines = bench.rows.map((row) => cellsOf(row, bench.machine.processors));
  const explained = bench.rows.map((row) => [row.name, explanations[row.id]?.text ?? "", targetText(row)]);
  const skipped = Object.entries(bench.skipped).map(([what, reason]) => `- ${what}: ${reason}`);
  return [
    "## Beside the peer",
    "",
    "Medians of the rounds. The ratio is ours over the peer's of the same round: median, least and most. The times are medians of what each round saw. The",
    "last column is the share of the machine's processors that the generator took.",
    "",
    markdownTable(headings, lines),
    ...(skipped.length === 0 ? [] : ["", "Not measured:", "", ...skipped]),
    "",
    "### What the rows mean",
    "",
    "Targets are over etcd 3.7.1. Where its speed beside 3.4.23 is known from a run on a machine like this one, the ratio over it is estimated; it was not measured here.",
    "",
    markdownTable(["row", "what it is", "target"], explained),
  ].join("\n");
}

function spreadText(bench) {
  const rows = bench.rows.filter(({ quorate }) => quorate.length > 1);
  if (rows.length === 0) return "";
  const spreads = rows.map(({ quorate }) => figure(quorate).spreadPercent);
  return `\nOur own rounds lie ${Math.round(median(spreads))}% apart in the middle row and ${Math.round(Math.max(...spreads))}% in the worst.`;
}

function threadsText(bench) {
  const withCpu = bench.rows.filter(({ quorate }) => quorate[0]?.cpuUs !== undefined);
  const of = (samples, name) => (samples.length === 0 ? "" : shown(median(samples.map(({ cpuUs }) => cpuUs[name]))));
  const lines = withCpu.map(({ name, quorate, peer }) => [
    name,
    of(quorate, "core"),
    of(quorate, "log"),
    of(quorate, "store"),
    of(quorate, "total"),
    of(peer, "total"),
  ]);
  return [
    "## Processor time of each request",
    "",
    "Microseconds of processor time, as the kernel counts them for each thread: the main thread (sockets, front, core), the log's, the store's, and the",
    "whole process with V8's own threads; for watch rows, for each event.",
    "",
    markdownTable(["what", "main", "log", "store", "all", "peer, all"], lines),
  ].join("\n");
}

function profileText({ date, machine, profiles }) {
  const parts = profiles.map(({ op, perSecond, idlePercent, groups, functions, allocatedEach, allocated }) => {
    const bytes = allocated.slice(0, 6).map(({ name, bytesEach }) => [name, shown(bytesEach)]);
    const line = ({ name, percent, usEach }) => [name, `${percent.toFixed(1)}%`, usEach.toFixed(2)];
    return [
      `### ${op}`,
      "",
      `${whole(perSecond)} a second with the profiler on; the main thread had nothing to do for ${Math.round(idlePercent)}% of the time.`,
      "",
      markdownTable(["self time by package", "of busy time", "µs each"], groups.slice(0, 10).map(line)),
      "",
      markdownTable(["by function", "of busy time", "µs each"], functions.slice(0, 8).map(line)),
      "",
      markdownTable([`on the heap by function; ${shown(allocatedEach)} bytes each in all`, "bytes each"], bytes),
    ].join("\n");
  });
  return [
    "## Where the time goes",
    "",
    `Profiles of the main thread under 400 requests in flight, random over 100,000 keys (\`node bench/profile.mjs\`, ${day(date)}, commit ${machine.commit}). Native functions`,
    "are counted with the package that calls them.",
    "",
    parts.join("\n\n"),
  ].join("\n");
}

const aboutIt = `## What is done about it

- A put's and a get's largest single part in the main thread is SQLite: a put looks up what its key was, a get of a key that is neither in the head nor in a
  block reads its record. Both are one statement (counted by tests), inside a read transaction that stays open. Caching all keys' numbers would end the look-ups of
  puts and cost the memory that a restart without an index saves; see [0005](decisions/0005-head-and-body.md).
- The socket's writes come next: one for each connection and turn, whatever is answered in it; that too is counted by a test. They are where the kernel hands the
  processor to whoever was waiting, so a profile on a busy machine shows them larger than they are.
- Garbage is spread thin; what stood out was taken out. A get of one key went through a generator and copied an empty range end: 4.2 kB each became 3.4 kB.
  A put's answer was a copy of its header: 5.1 kB became 4.9 kB.
- Starts: the daemon is bundled ([0014](decisions/0014-bundled-daemon.md)), which takes 0.2 s and more from a start. A profile of
  a start then showed Node's fetch being loaded for nothing, and a loop over the zeros behind the log's end in cold code: 20 and 50 ms less.
- Larger choices have their measurements in the decisions: codecs ([0001](decisions/0001-own-protobuf-codecs.md)), the HTTP/2 engine
  ([0002](decisions/0002-own-http2-engine.md)), the log ([0003](decisions/0003-log-format.md)), head and body (0005).

What a put costs in statements, rows, syncs and bytes is not measured but counted, by tests that fail when it grows: \`put-costs.test.ts\` and \`counts.test.ts\` in
\`apps/server/test/member\`.`;

/** docs/performance.md. */
export function makePage({ bench, micro, profile }) {
  return `${[
    "# Performance",
    "",
    "This page is made by `pnpm bench:report` from `bench/results/*.json`; a test compares the two. `pnpm bench:all` measures again and makes it anew.",
    "",
    `${machineText(bench)}${spreadText(bench)}`,
    "",
    rowsText(bench),
    "",
    threadsText(bench),
    "",
    "## Budgets",
    "",
    `From the rows above, and from the parts alone (\`pnpm bench:micro\`, ${day(micro.date)}, commit ${micro.machine.commit}).`,
    "",
    markdownTable(["what", "budget", "measured", ""], budgetLines(bench, micro)),
    "",
    "The parts without a budget of their own:",
    "",
    markdownTable(
      ["what", "µs"],
      micro.rows.filter(({ budget }) => budget === undefined).map(({ name, value }) => [name, shown(value)]),
    ),
    "",
    profileText(profile),
    "",
    aboutIt,
  ].join("\n")}\n`;
}

const inReadme = [
  "put-1",
  "put-hot",
  "put-filled",
  "get-hot",
  "get-filled",
  "range-1000",
  "list-100",
  "watch-one",
  "cluster-put",
  "restart",
  "memory-restarted",
];
const begin = "<!-- performance: made by pnpm bench:report -->";
const end = "<!-- performance: end -->";

/** The README with its table, between two comments. */
export function fillReadme(text, bench) {
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`README.md has no place for the table: ${begin} and ${end}`);
  const rows = inReadme.map((id) => bench.rows.find((row) => row.id === id)).filter((row) => row !== undefined);
  const lines = rows.map((row) => {
    const [name, unit, own, peer, ratio] = cellsOf(row, bench.machine.processors);
    return [name, unit, own, peer, ratio];
  });
  const table = markdownTable(["what", "unit", "Quorate", bench.peer ?? "peer", "ratio"], lines);
  const { processors, processor } = bench.machine;
  const said = `One member, ${whole(bench.settings.keys)} keys of 256 bytes, ${processors} × ${processor} shared with the load, ${day(bench.date)}; [all rows, budgets and profiles](docs/performance.md).`;
  return `${text.slice(0, from)}${begin}\n${said}\n\n${table}\n${text.slice(to)}`;
}
