import type { CtlWanted } from "./ctl-case.js";
import type { Names } from "./names.js";

/** Whose output it is: rules about terms and sizes are for the command lines only. */
export type Program = "etcd" | "etcdctl" | "etcdutl" | "sh";

/** What a text is read with. */
export type Reading = {
  readonly program: Program;
  /** As the step says: what else varies. */
  readonly volatile: readonly string[];
  readonly names: Names;
};

const logLine = /^(\{"level"|\d{4}-\d\d-\d\dT[^\t]*\t[a-z]+\t)/;
const debugLine = /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d/;
const duration = "-?(?:\\d+(?:\\.\\d+)?(?:h|ms|m|µs|ns|s))+";

/** Step 1 of the rules: log lines and what follows a panic leave standard error. */
export function withoutLogs(stderr: string): string {
  const kept: string[] = [];
  for (const line of stderr.split("\n")) {
    if (debugLine.test(line)) {
      kept.push("");
      break;
    }
    if (logLine.test(line) || line.startsWith("stty: ")) continue;
    kept.push(line);
    if (line.startsWith("panic: ")) {
      kept.push("");
      break;
    }
  }
  return kept.join("\n");
}

/** Steps 2 to 8: what may differ between runs becomes a placeholder. The rules are those of the cases' README, in their order. */
export function normalise(text: string, reading: Reading): string {
  let result = reading.names.replace(text).replace(/127\.0\.0\.1:\d+->/g, "127.0.0.1:<port>->");
  result = replaceNumbers(result);
  if (reading.program === "etcd") {
    result = result.replace(/^(Git SHA|Go Version|Go OS\/Arch): .*$/gm, "$1: <build>");
  }
  if (reading.program === "etcdctl" || reading.program === "etcdutl") result = replaceReadings(result, reading);
  result = result.replace(/^[┌│├└].*$/gm, (line) => line.replace(/ +/g, " ").replace(/─+/g, "─"));
  return reading.volatile.includes("unordered") ? sortPieces(result) : result;
}

/** Step 8 for standard output. */
export function foldHelp(stdout: string): string {
  return /^Usage:$/m.test(stdout) ? "<help>\n" : stdout;
}

/** Step 8 for standard error. */
export function foldUsage(stderr: string): string {
  const found = /^Usage:$/m.exec(stderr);
  return found === null ? stderr : `${stderr.slice(0, found.index)}<usage>\n`;
}

function replaceNumbers(text: string): string {
  return text
    .replace(/\b0x[0-9a-f]{8,}\b/g, "<ptr>")
    .replace(/(?<![\w<.])([0-9a-f]{12,16}|\d{15,20})(?![\w>])/g, (word) => (/^0+$/.test(word) ? word : "<id>"))
    .replace(/\b(Member|cluster|from|to) +(?=<id>|\{[A-Z])/g, "$1 ")
    .replace(/(?<![\d.])3\.\d+\.\d+(?![\d.])/g, "<version>");
}

/** Step 5: what a member says of itself and of time. */
function replaceReadings(text: string, reading: Reading): string {
  let result = text
    .replace(/("(?:raft_term|raftTerm)":)[1-9]\d*/g, "$1<term>")
    .replace(/("RaftTerm" : )[1-9]\d*/g, "$1<term>")
    .replace(/("(?:raftIndex|raftAppliedIndex)":)\d+/g, "$1<index>")
    .replace(/("(?:RaftIndex|RaftAppliedIndex)" : )\d+/g, "$1<index>")
    .replace(/((?:true|false), (?:true|false), )[1-9]\d*, \d+, \d+,/g, "$1<term>, <index>, <index>,")
    .replace(/((?:true|false) +│ +(?:true|false) +│ +)[1-9]\d*( +│ +)\d+( +│ +)\d+ /g, "$1<term>$2<index>$3<index> ")
    .replace(/("(?:dbSize|dbSizeInUse|totalSize)":)\d+/g, "$1<size>")
    .replace(/("(?:DBSize|DBSizeInUse|Size)" : )\d+/g, "$1<size>")
    .replace(/(?<![\w.])\d+(?:\.\d+)? [kMGT]?B\b/g, "<size>")
    .replace(/(?<![\w.])\d+(?:\.\d+)?%/g, "<percent>")
    .replace(new RegExp(`(took(?: = |" ?: ?"?| ))${duration}`, "gi"), "$1<duration>")
    .replace(new RegExp(`(│ +)${duration}(?= +│)`, "g"), "$1<duration>")
    .replace(/remaining\(\d+s\)/g, "remaining(<seconds>)")
    .replace(/\[\d{1,3}(?: \d{1,3}){15,}\]/g, "[<bytes>]")
    .replace(/(larger than max \()\d+( vs\.)/g, "$1<n>$2")
    .replace(/(ETCD_INITIAL_CLUSTER=")([^"]*)"/g, (_all, before: string, list: string) => {
      return `${before}${list.split(",").sort().join(",")}"`;
    });
  if (reading.volatile.includes("ttl"))
    result = result.replace(/("ttl":)\d+/g, "$1<seconds>").replace(/("TTL" : )\d+/g, "$1<seconds>");
  return result;
}

/** Step 7: cut at line ends and braces (those of names apart), sorted. */
function sortPieces(text: string): string {
  const pieces = text.split(/\n|\{(?![A-Z][A-Z0-9]*\})|(?<!\{[A-Z][A-Z0-9]*)\}/);
  return pieces.sort().join("\n").replace(/^\n+/, "");
}

/**
 * The bytes of the protobuf form as the cases write them: hex, with the header, whose ids and term vary, by its revision.
 * @see testdata/ctl of the recorder: "<header revision=N>" in front, "<bare-header revision=N>" alone.
 */
export function normaliseHex(bytes: Uint8Array): string {
  const bare = headerRevision(bytes);
  if (bare !== undefined && bytes.length > 0) return `<bare-header revision=${bare}>`;
  const length = bytes[1] ?? 0;
  const inner = bytes[0] === 0x0a && length < 0x80 ? headerRevision(bytes.subarray(2, 2 + length)) : undefined;
  if (inner === undefined) return Buffer.from(bytes).toString("hex");
  return `<header revision=${inner}>${Buffer.from(bytes.subarray(2 + length)).toString("hex")}`;
}

/** The revision (field 3) of a message of nothing but the four varints of a response header, the cluster's id among them. */
function headerRevision(bytes: Uint8Array): bigint | undefined {
  let offset = 0;
  let revision = 0n;
  if (bytes[0] !== 0x08) return undefined;
  while (offset < bytes.length) {
    const tag = bytes[offset++] ?? 0;
    if (tag % 8 !== 0 || tag < 0x08 || tag > 0x20) return undefined;
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[offset++];
      if (byte === undefined || shift > 63n) return undefined;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    if (tag === 0x18) revision = value;
  }
  return revision;
}

/** What is wanted, brought to the same form as what came. */
export function normaliseWanted(wanted: CtlWanted, reading: Reading): { stdout: string; stderr: string } {
  return {
    stdout: foldHelp(normalise(wanted.stdout ?? "", reading)),
    stderr: foldUsage(normalise(withoutLogs(wanted.stderr ?? ""), reading)),
  };
}
