import { TxnRequest, TxnResponse } from "@quorate/proto";
import { describe, expect, it } from "vitest";
import { type FakeRun, runFake } from "../fake-world.js";

const header = { clusterId: 1n, memberId: 2n, revision: 3n, raftTerm: 4n };
const bytes = (text: string) => new TextEncoder().encode(text);

function txn(stdin: string, ...flags: string[]): Promise<FakeRun> {
  const answers = { "/etcdserverpb.KV/Txn": () => TxnResponse.encode({ header, succeeded: true }) };
  return runFake(["txn", ...flags], { stdin, answers });
}

function sent(run: FakeRun): TxnRequest {
  return TxnRequest.decode(run.requests[0]?.message ?? bytes("?"));
}

describe("conditions", () => {
  const good: [string, object][] = [
    ['val("a") = "1"', { target: 3, result: 0, targetUnion: { kind: "value", value: bytes("1") } }],
    [
      'value("a") != "\\x00\\n\\u00e9"',
      { target: 3, result: 3, targetUnion: { kind: "value", value: bytes("\0\né") } },
    ],
    ['ver("a") > "1"', { target: 0, result: 1, targetUnion: { kind: "version", value: 1n } }],
    ['c("a") < "9223372036854775807"', { target: 1, targetUnion: { kind: "createRevision", value: 2n ** 63n - 1n } }],
    ['mod("a") = "-1" and more', { target: 2, targetUnion: { kind: "modRevision", value: -1n } }],
    ['lease("a") = "694d81417acd4754"', { target: 4, targetUnion: { kind: "lease", value: 0x694d81417acd4754n } }],
  ];
  for (const [line, compare] of good) {
    it(`read ${line}`, async () => {
      const run = await txn(`  ${line}\n\n\n\n`);
      expect(run.stderr).toBe("");
      expect(sent(run).compare).toMatchObject([{ key: bytes("a"), ...compare }]);
    });
  }

  const bad: [string, string][] = [
    ["garbage", "malformed comparison: garbage"],
    ["value('a') = '2'", "malformed comparison: value('a') = '2'; got value(\"\")  \"\""],
    ['value("a")="2"', 'malformed comparison: value("a")="2"; got value("a")  ""'],
    ['value("a") = 2', 'malformed comparison: value("a") = 2; got value("a") = ""'],
    ['value("\\q") = "2"', 'malformed comparison: value("\\q") = "2"; got value("")  ""'],
    ['VALUE("a") = "2"', 'malformed comparison: VALUE("a") = "2" (unknown target VALUE)'],
    ['mod("a") = "x"', 'invalid txn compare request: mod("a") = "x"'],
    ['mod("a") >= "1"', 'malformed comparison: mod("a") >= "1" (unknown operator >=, expecting =, !=, < or >)'],
    ['lease("a") = "zz"', 'invalid txn compare request: lease("a") = "zz"'],
  ];
  for (const [line, message] of bad) {
    it(`refuse ${line}`, async () => {
      expect(await txn(`${line}\n\n\n\n`)).toMatchObject({ exitCode: 3, stderr: `Error: ${message}\n`, requests: [] });
    });
  }
});

describe("requests", () => {
  it("have the words and flags of put, get and del", async () => {
    const run = await txn(
      "\nput \"a b\" 'c d' --lease=7\nge a --prefix --limit=2\n\ndel 'x' --prev-kv\nput k -- -v\n\n",
    );
    expect(run).toMatchObject({ exitCode: 0, stdout: "SUCCESS\n", stderr: "" });
    expect(sent(run).success.map((one) => one.request)).toMatchObject([
      { kind: "requestPut", value: { key: bytes("a b"), value: bytes("c d"), lease: 7n } },
      { kind: "requestRange", value: { key: bytes("a"), rangeEnd: bytes("b"), limit: 2n } },
    ]);
    expect(sent(run).failure.map((one) => one.request)).toMatchObject([
      { kind: "requestDeleteRange", value: { key: bytes("x"), prevKv: true } },
      { kind: "requestPut", value: { key: bytes("k"), value: bytes("-v") } },
    ]);
  });

  const bad: [string, number, string][] = [
    ["put", 3, "invalid txn compare request: put"],
    ["watch a", 3, "invalid txn request: watch a"],
    ["put a", 128, "put command needs 1 argument and input from stdin or 2 arguments"],
    ["get --prefix --from-key a", 128, "`--prefix` and `--from-key` cannot be set at the same time, choose one"],
    ['put a "\\q"', 3, 'bad escape in "\\q"'],
    ["get a --help", 3, "invalid txn request: get a --help"],
  ];
  for (const [line, exitCode, message] of bad) {
    it(`refuse ${line}`, async () => {
      expect(await txn(`\n${line}\n\n\n`)).toMatchObject({ exitCode, stderr: `Error: ${message}\n`, requests: [] });
    });
  }

  it("with an unknown flag show the usage of their command", async () => {
    const run = await txn("\nget a --bogus\n\n\n");
    expect(run.exitCode).toBe(3);
    expect(run.stderr).toMatch(/^Usage:\n {2}txn get \[options\] <key> \[range_end\]/);
    expect(run.stderr).toContain("unknown flag: --bogus");
  });
});

describe("input", () => {
  for (const stdin of ["", "\n", "\nput a b", "\nput a b\n", "\n\n"]) {
    it(`that ends early is an error: ${JSON.stringify(stdin)}`, async () => {
      expect(await txn(stdin)).toMatchObject({ exitCode: 3, stdout: "", stderr: "Error: EOF\n", requests: [] });
    });
  }

  it("is prompted for with -i", async () => {
    const run = await txn("\n\n\n", "-i");
    expect(run.stdout).toBe(
      "compares:\nsuccess requests (get, put, del):\nfailure requests (get, put, del):\nSUCCESS\n",
    );
  });

  it("is not on the command line", async () => {
    const run = await txn("\n\n\n", "extra");
    expect(run).toMatchObject({ exitCode: 128, stderr: "Error: txn command does not accept argument\n" });
  });
});
