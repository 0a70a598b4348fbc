import type { CtlInput, CtlStop } from "../ctl-case.js";

/**
 * One command line that both programs run against the same member, one after the other. `{SELF}` in it is a prefix, `{COMPACT}` a
 * revision to compact at, that each program has for itself.
 */
export type EqualityStep = {
  readonly argv: readonly string[];
  readonly stdin?: CtlInput;
  readonly env?: Readonly<Record<string, string>>;
  readonly stop?: CtlStop;
  /** The store is another one for the second program: revisions are not compared. */
  readonly changes?: true;
  /** Standard output holds what varies in its order. */
  readonly unordered?: true;
};

/** What is in the store before the first step. */
export const preparation: readonly (readonly string[])[] = [
  ["put", "a", "1"],
  ["put", "b", "2"],
  ["put", "a", "3"],
  ["put", "k1", "v1"],
  ["put", "k10", "v0"],
  ["put", "k2", "v2"],
  ["put", "empty", ""],
  ["put", "gone", "x"],
  ["del", "gone"],
  ["put", "odd", 'tab\t quote" ü <&> \u0001'],
];

const forms = ["simple", "json", "fields", "protobuf", "table"] as const;
const inForms = (...argv: string[]): EqualityStep[] => forms.map((form) => ({ argv: [...argv, "-w", form] }));
const reads = (...lines: string[]): EqualityStep[] => lines.map((line) => ({ argv: wordsOf(line) }));
const changes = (...lines: string[]): EqualityStep[] => lines.map((line) => ({ argv: wordsOf(line), changes: true }));
const txn = (stdin: string, ...flags: string[]): EqualityStep => ({ argv: ["txn", ...flags], stdin, changes: true });

/** Words of a line; `''` is an empty one. */
function wordsOf(line: string): string[] {
  return line.split(" ").map((word) => (word === "''" ? "" : word));
}

const keyReads = [
  ...inForms("get", "a"),
  ...inForms("get", "--prefix", "k"),
  ...inForms("get", "odd"),
  ...inForms("get", "nothing"),
  ...reads(
    "get a k2",
    "get --prefix ''",
    "get --from-key k10",
    "get --prefix k --keys-only",
    "get --prefix k --print-value-only",
    "get --prefix k --limit 2",
    "get --prefix k --limit 2 -w fields",
    "get --prefix k --order DESCEND",
    "get --prefix k --order DESCEND --sort-by VALUE",
    "get --prefix k --sort-by CREATE -w json",
    "get --prefix k --sort-by MODIFY",
    "get --prefix k --sort-by VERSION",
    "get a --rev 2",
    "get a --rev 2 -w json",
    "get a --rev 999",
    "get a --consistency s",
    "get odd --hex",
    "get empty",
    "get gone --rev 9",
    "get",
    "get a b c",
    "get --prefix --from-key a",
    "get --prefix a b",
    "get a --order UP",
    "get a --sort-by NAME",
    "get a --consistency x",
    "get a --print-value-only -w json",
    "get a --rev x",
    "get --bogus",
    "get a -w xml",
  ),
];

const keyChanges = [
  ...forms.map((form): EqualityStep => ({ argv: ["put", "{SELF}p", form, "--prev-kv", "-w", form], changes: true })),
  ...changes(
    "put {SELF}p 1",
    "put {SELF}p 2 --prev-kv",
    "put {SELF}q",
    "put",
    "put {SELF}p --ignore-value",
    "put {SELF}p x --ignore-value",
  ),
  ...changes("put '' x", "put {SELF}p 3 --lease=123abc", "put {SELF}p 3 --lease=zz", "put {SELF}p 3 --ignore-lease"),
  { argv: ["put", "{SELF}in"], stdin: "from standard input", changes: true },
  ...changes("get {SELF}in", "del {SELF}p --prev-kv", "del {SELF}p", "del {SELF} --prefix -w json", "del", "del a b c"),
  ...forms.flatMap((form): EqualityStep[] => [
    { argv: ["put", "{SELF}d", form], changes: true },
    { argv: ["del", "{SELF}d", "--prev-kv", "-w", form], changes: true },
  ]),
] satisfies EqualityStep[];

const transactions = [
  ...forms.map((form) => txn('val("a") = "3"\n\nget a\nput {SELF}t 1\n\nget b\n\n', "-w", form)),
  txn('mod("a") > "100"\n\nput {SELF}t 1\n\nget b\ndel {SELF}t\n\n'),
  txn('ver("a") = "2"\ncreate("b") = "3"\n\nget a --keys-only\n\n\n'),
  txn('val("a") != "3"\n\n\nput {SELF}t 2 --prev-kv\nget --prefix k\n\n'),
  txn("garbage\n\n\n\n"),
  txn('val("a") = "3"\n\nbogus a\n\n\n'),
  txn('val("a") = "3"\n'),
  txn("\nput {SELF}t 1\nput {SELF}t 2\n\n\n"),
  { argv: ["txn", "-i"], stdin: 'val("a") = "3"\n\nget a\n\n\n\n', changes: true },
  { argv: ["txn", "x"], stdin: "", changes: true },
] satisfies EqualityStep[];

const watches = [
  ...forms.map((form): EqualityStep => {
    return { argv: ["watch", "--rev", "2", "a", "-w", form], stop: { bytes: 1, signal: "SIGINT" } };
  }),
  { argv: ["watch", "--rev", "5", "--prefix", "k"], stop: { lines: 9, signal: "SIGINT" } },
  { argv: ["watch", "--rev", "3", "--prev-kv", "a"], stop: { lines: 5, signal: "SIGINT" } },
  { argv: ["watch", "--rev", "9", "gone"], stop: { lines: 5, signal: "SIGTERM" } },
  {
    argv: ["watch", "--rev", "2", "a", "--", "sh", "-c", "echo $ETCD_WATCH_KEY"],
    stop: { lines: 8, signal: "SIGINT" },
  },
  ...reads("watch", "watch a b --prefix", "watch --bogus", "watch a --"),
] satisfies EqualityStep[];

const leases = [
  ...inForms("lease", "list"),
  ...inForms("lease", "timetolive", "123abc"),
  ...forms.map((form): EqualityStep => ({ argv: ["lease", "grant", "600", "-w", form], changes: true })),
  ...changes(
    "lease grant",
    "lease grant x",
    "lease grant 1 2",
    "lease grant 0",
    "lease revoke 123abc",
    "lease revoke",
    "lease revoke zz",
  ),
  ...reads(
    "lease timetolive zz",
    "lease timetolive",
    "lease keep-alive --once 123abc",
    "lease keep-alive",
    "lease keep-alive --once zz",
    "lease",
  ),
];

const cluster = [
  ...inForms("member", "list"),
  ...inForms("endpoint", "health"),
  ...inForms("endpoint", "status"),
  ...inForms("endpoint", "hashkv"),
  ...inForms("alarm", "list"),
  ...inForms("alarm", "disarm"),
  ...reads(
    "member list --hex -w fields",
    "member list --hex -w json",
    "endpoint status --hex -w fields",
    "endpoint hashkv --hex -w fields",
    "alarm list --hex -w fields",
    "lease list --hex -w fields",
    "endpoint hashkv --rev 3",
    "endpoint hashkv --rev 9999",
    "endpoint health --cluster",
    "endpoint status --cluster",
    "endpoint hashkv --cluster",
    "defrag",
    "defrag --cluster",
    "alarm list x",
    "alarm disarm x",
    "member add",
    "member add m9",
    "member add m9 --peer-urls=nonsense",
    "member remove",
    "member remove zz",
    "member update",
    "member promote zz",
    "move-leader",
    "move-leader zz",
    "snapshot save",
    "member",
    "endpoint",
    "alarm",
    "snapshot",
  ),
  { argv: ["snapshot", "save", "{TMP}/{SELF}.db"], changes: true },
  { argv: ["sh", "-c", "ls -l {TMP} | cut -c1-10 | sort -u; ls {TMP} | wc -l"] },
] satisfies EqualityStep[];

const others = [
  ...reads(
    "lock",
    "elect",
    "elect e",
    "elect e p -l",
    "make-mirror",
    "check perf --load=zzz",
    "check datascale --load=zzz",
    "auth enable x",
    "auth disable x",
    "user add",
    "user delete",
    "user get",
    "user list x",
    "user passwd",
    "user grant-role u",
    "user revoke-role u",
    "role add",
    "role delete",
    "role get",
    "role list x",
    "role grant-permission r",
    "role grant-permission r bogus k",
    "role grant-permission r read a b --prefix",
    "role revoke-permission r",
    "user",
    "role",
    "auth",
    "check",
  ),
  ...changes("lock {SELF}l echo held", "lock {SELF}l false"),
  { argv: ["lock", "{SELF}l", "--", "sh", "-c", "echo $ETCD_LOCK_KEY; exit 3"], changes: true },
  { argv: ["lock", "{SELF}l"], stop: { lines: 1, signal: "SIGINT" }, changes: true },
  { argv: ["lock", "{SELF}l", "-w", "fields"], stop: { lines: 5, signal: "SIGTERM" }, changes: true },
  { argv: ["elect", "{SELF}e", "me"], stop: { lines: 2, signal: "SIGINT" }, changes: true },
] satisfies EqualityStep[];

const rest = [
  ...changes("compaction {COMPACT}", "compaction", "compaction x", "compaction 99999", "compaction 5"),
  ...reads(
    "get a --rev 3",
    "watch --rev 3 a",
    "bogus",
    "version",
    "--endpoints=127.0.0.1:1 get a --command-timeout=500ms --dial-timeout=200ms",
  ),
  { argv: ["get", "a"], env: { ETCDCTL_WRITE_OUT: "json" } },
  { argv: ["get", "a", "-w", "json"], env: { ETCDCTL_WRITE_OUT: "json" } },
  { argv: ["get", "a"], env: { ETCDCTL_HEX: "true" } },
] satisfies EqualityStep[];

/** Everything that is compared, in order. */
export const steps: readonly EqualityStep[] = [
  ...keyReads,
  ...keyChanges,
  ...transactions,
  ...watches,
  ...leases,
  ...cluster,
  ...others,
  ...rest,
];

/** The name of a step: its command line and input. */
export function titleOf({ argv, stdin, env }: EqualityStep): string {
  const variables = Object.entries(env ?? {}).map(([name, value]) => `${name}=${value} `);
  const input = stdin === undefined ? "" : ` <<< ${JSON.stringify(stdin)}`;
  return `${variables.join("")}${argv.map((word) => (word === "" ? "''" : word)).join(" ")}${input}`;
}
