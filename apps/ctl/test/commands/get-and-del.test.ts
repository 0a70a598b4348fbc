import type { Clock, CallFailure } from "@quorate/client";
import { DeleteRangeRequest, DeleteRangeResponse, RangeRequest, RangeResponse } from "@quorate/proto";
import { describe, expect, it } from "vitest";
import { type FakeSettings, runFake } from "../fake-world.js";

const header = { clusterId: 1n, memberId: 2n, revision: 3n, raftTerm: 4n };
const member: FakeSettings = {
  answers: {
    "/etcdserverpb.KV/Range": () => RangeResponse.encode({ header }),
    "/etcdserverpb.KV/DeleteRange": () => DeleteRangeResponse.encode({ header }),
  },
};
const bytes = (text: string) => new TextEncoder().encode(text);

async function sentRange(...argv: string[]): Promise<RangeRequest> {
  const run = await runFake(["get", ...argv], member);
  return RangeRequest.decode(run.requests[0]?.message ?? bytes("?"));
}

describe("get", () => {
  const ranges: [string[], Uint8Array, Uint8Array][] = [
    [["a"], bytes("a"), bytes("")],
    [["a", "c"], bytes("a"), bytes("c")],
    [["a", "--prefix"], bytes("a"), bytes("b")],
    [["", "--prefix"], Uint8Array.of(0), Uint8Array.of(0)],
    [["a\udcff", "--prefix"], Uint8Array.of(97, 255), bytes("b")],
    [["\udcff", "--prefix"], Uint8Array.of(255), Uint8Array.of(0)],
    [["a", "--from-key"], bytes("a"), Uint8Array.of(0)],
    [["", "--from-key"], Uint8Array.of(0), Uint8Array.of(0)],
  ];
  for (const [argv, key, rangeEnd] of ranges) {
    it(`asks for ${JSON.stringify(argv)}`, async () => {
      expect(await sentRange(...argv)).toMatchObject({ key, rangeEnd });
    });
  }

  it("sends what its flags say", async () => {
    const sent = await sentRange(
      ..."a --limit 3 --rev 9 --consistency s --keys-only --order descend --sort-by modify".split(" "),
      ..."--min-mod-rev 1 --max-mod-rev 2 --min-create-rev 3 --max-create-rev 4".split(" "),
    );
    expect(sent).toMatchObject({
      limit: 3n,
      revision: 9n,
      serializable: true,
      keysOnly: true,
      countOnly: false,
      sortOrder: 2,
      sortTarget: 3,
      minModRevision: 1n,
      maxModRevision: 2n,
      minCreateRevision: 3n,
      maxCreateRevision: 4n,
    });
  });

  it("asks for no order where keys ascend anyway", async () => {
    expect(await sentRange("a", "--order=ASCEND")).toMatchObject({ sortOrder: 0, sortTarget: 0 });
    expect(await sentRange("a", "--order=ASCEND", "--sort-by=VALUE")).toMatchObject({ sortOrder: 1, sortTarget: 4 });
  });

  const refused: [string, number, string][] = [
    ["", 128, "get command needs one argument as key and an optional argument as range_end"],
    ["a --prefix --from-key", 128, "`--prefix` and `--from-key` cannot be set at the same time, choose one"],
    ["a b --prefix", 128, "too many arguments, only accept one argument when `--prefix` or `--from-key` is set"],
    ["a --keys-only --count-only", 128, "`--keys-only` and `--count-only` cannot be set at the same time, choose one"],
    ["a --consistency=x", 4, 'unknown consistency flag "x"'],
    ["a --order=UP", 4, "bad sort order UP"],
    ["a --sort-by=FOO", 4, "bad sort target FOO"],
    ["a --min-mod-rev=5 --max-mod-rev=3", 4, "getMinModRev(=5) > getMaxModRev(=3)"],
    ["a --min-create-rev=5 --max-create-rev=3", 4, "getMinCreateRev(=5) > getMaxCreateRev(=3)"],
  ];
  for (const [line, exitCode, message] of refused) {
    it(`refuses "${line}" before anything is sent`, async () => {
      const run = await runFake(["get", ...line.split(" ").filter(Boolean)], member);
      expect(run).toMatchObject({ exitCode, stdout: "", stderr: `Error: ${message}\n`, requests: [] });
    });
  }

  const forms: [string, string][] = [
    ["--count-only", "--count-only is only for `--write-out=fields`"],
    ["--print-value-only -w fields", "print-value-only is only for `--write-out=simple`"],
  ];
  for (const [flags, message] of forms) {
    it(`says after the request what ${flags} is for`, async () => {
      const run = await runFake(["get", "a", ...flags.split(" ")], member);
      expect(run).toMatchObject({ exitCode: 128, stdout: "", stderr: `Error: ${message}\n` });
      expect(run.requests).toHaveLength(1);
    });
  }

  it("shows bytes in hexadecimal with --hex", async () => {
    const kvs = [
      { key: bytes("k"), value: Uint8Array.of(0, 255), lease: 0n, version: 1n, createRevision: 1n, modRevision: 1n },
    ];
    const answers = { "/etcdserverpb.KV/Range": () => RangeResponse.encode({ header, kvs }) };
    expect((await runFake(["get", "k", "--hex"], { answers })).stdout).toBe("\\x6b\n\\x00\\xff\n");
  });
});

describe("refusals", () => {
  const failures: [CallFailure, string][] = [
    [{ status: 3, message: "etcdserver: key is not provided", wasSent: true }, "etcdserver: key is not provided"],
    [
      { status: 3, message: "etcdserver: never heard", wasSent: true },
      "rpc error: code = InvalidArgument desc = etcdserver: never heard",
    ],
    [{ status: 12, message: "unknown method", wasSent: true }, "rpc error: code = Unimplemented desc = unknown method"],
    [{ status: 4, message: "too late", wasSent: true }, "context deadline exceeded"],
  ];
  for (const [failure, message] of failures) {
    it(`are told in etcd's words: ${message}`, async () => {
      const run = await runFake(["get", "a"], { answers: { "/etcdserverpb.KV/Range": () => failure } });
      expect(run).toMatchObject({ exitCode: 1, stdout: "", stderr: `Error: ${message}\n` });
      expect(run.log).toMatchObject([{ level: "warn", method: "/etcdserverpb.KV/Range" }]);
    });
  }

  it("of a write that may have been carried out are not followed by another", async () => {
    const failure = { status: 14, message: "connection lost", wasSent: true };
    const run = await runFake(["del", "a"], { answers: { "/etcdserverpb.KV/DeleteRange": () => failure } });
    expect(run.stderr).toBe("Error: rpc error: code = Unavailable desc = connection lost\n");
    expect(run.requests).toHaveLength(1);
  });

  it("for want of a member come when the time is up, with the reason in the log", async () => {
    const failure = { status: 14, message: "connect ECONNREFUSED: nobody listens there", wasSent: false };
    const answers = { "/etcdserverpb.KV/Range": () => failure };
    const run = await runFake(["get", "a", "--command-timeout=200ms"], { answers });
    expect(run).toMatchObject({ exitCode: 1, stderr: "Error: context deadline exceeded\n" });
    expect(run.log).toMatchObject([{ error: expect.stringContaining("nobody listens there") }]);
    expect(run.requests.length).toBeGreaterThan(1);
  });
});

describe("del", () => {
  /** Remembers how long it was asked to wait, and waits no time. */
  function impatient(waits: number[]): Clock {
    return {
      nowMs: () => 0,
      after(delayMs, run) {
        waits.push(delayMs);
        const timer = setImmediate(run);
        return { cancel: () => clearImmediate(timer) };
      },
    };
  }

  it("warns before a range, and leaves two seconds to interrupt", async () => {
    const waits: number[] = [];
    const run = await runFake(["del", "a", 'b"'], { ...member, clock: impatient(waits) });
    expect(run.stderr).toMatch(
      /^Warning: Keys between "a" and "b\\"" will be deleted\. .* `--range` flag to avoid the delay\.\n$/,
    );
    expect(waits).toContain(2_000);
    expect(DeleteRangeRequest.decode(run.requests[0]?.message ?? bytes("?")).rangeEnd).toEqual(bytes('b"'));
  });

  it("does not with --range", async () => {
    const waits: number[] = [];
    const run = await runFake(["del", "a", "b", "--range"], { ...member, clock: impatient(waits) });
    expect(run).toMatchObject({ exitCode: 0, stdout: "0\n", stderr: "" });
    expect(waits).not.toContain(2_000);
  });

  for (const args of [[], ["a", "b", "c"], ["--prefix"]]) {
    it(`refuses ${JSON.stringify(args)}`, async () => {
      const message = "del command needs one argument as key and an optional argument as range_end";
      expect(await runFake(["del", ...args], member)).toMatchObject({ exitCode: 128, stderr: `Error: ${message}\n` });
    });
  }
});
