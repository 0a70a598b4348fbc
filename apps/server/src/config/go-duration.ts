/** Nanoseconds of each unit, as Go's `time` names them. */
const unitNs: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** A duration, or why the text is none, in Go's words. */
export type ParsedDuration = { kind: "duration"; ms: number } | { kind: "invalid"; reason: string };

/** Reads a duration as Go writes it: `300ms`, `1.5h`, `2h45m`, `-1s`, `0`. */
export function parseGoDuration(text: string): ParsedDuration {
  const invalid = (reason: string): ParsedDuration => ({
    kind: "invalid",
    reason: `time: ${reason} ${JSON.stringify(text)}`,
  });
  const isNegative = text.startsWith("-");
  let rest = text.replace(/^[+-]/, "");
  if (rest === "0") return { kind: "duration", ms: 0 };
  if (rest === "") return invalid("invalid duration");
  let ns = 0;
  while (rest !== "") {
    const number = /^(\d+\.?\d*|\.\d+)/.exec(rest)?.[0];
    if (number === undefined) return invalid("invalid duration");
    rest = rest.slice(number.length);
    const unit = /^[^.\d]+/.exec(rest)?.[0];
    if (unit === undefined) return invalid("missing unit in duration");
    const factor = unitNs[unit];
    if (factor === undefined) return invalid(`unknown unit ${JSON.stringify(unit)} in duration`);
    ns += Number(number) * factor;
    rest = rest.slice(unit.length);
  }
  if (ns >= 2 ** 63) return invalid("invalid duration");
  return { kind: "duration", ms: ((isNegative ? -1 : 1) * Math.trunc(ns)) / 1e6 };
}

/** Writes a duration as Go prints it: `1h0m0s`, `100ms`, `1.5s`, `0s`. */
export function formatGoDuration(ms: number): string {
  const ns = Math.round(Math.abs(ms) * 1e6);
  if (ns === 0) return "0s";
  return `${ms < 0 ? "-" : ""}${ns < 1e9 ? subSecond(ns) : hoursMinutesSeconds(ns)}`;
}

function subSecond(ns: number): string {
  if (ns < 1e3) return `${ns}ns`;
  if (ns < 1e6) return `${ns / 1e3}µs`;
  return `${ns / 1e6}ms`;
}

function hoursMinutesSeconds(ns: number): string {
  const hours = Math.floor(ns / 3600e9);
  const minutes = Math.floor(ns / 60e9) % 60;
  const seconds = (ns % 60e9) / 1e9;
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}
