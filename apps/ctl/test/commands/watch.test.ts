import { WatchRequest, WatchResponse } from "@quorate/proto";
import { describe, expect, it } from "vitest";
import { type FakeSettings, type FakeStream, runFake } from "../fake-world.js";

const header = { clusterId: 1n, memberId: 2n, revision: 9n, raftTerm: 4n };
const bytes = (text: string) => new TextEncoder().encode(text);
const pair = (key: string, revision: bigint) => ({
  key: bytes(key),
  value: bytes(`v "${revision}"`),
  createRevision: 1n,
  modRevision: revision,
  version: revision,
  lease: 0n,
});
const put = (key: string, revision: bigint) => ({ type: 0, kv: pair(key, revision), prevKv: undefined });

/** A member that creates each watch, sends it one event of revision 5, and cancels it when `ends`. */
function member(ends: boolean, creates: WatchRequest[] = []): FakeSettings {
  return {
    onStream(stream: FakeStream, message) {
      if (message === undefined) return;
      const request = WatchRequest.decode(message);
      if (request.requestUnion?.kind === "progressRequest") {
        stream.answer(WatchResponse.encode({ header, watchId: -1n }));
        return;
      }
      if (request.requestUnion?.kind !== "createRequest") return;
      const watchId = BigInt(creates.length);
      creates.push(request);
      stream.answer(WatchResponse.encode({ header: { ...header, revision: 4n }, watchId, created: true }));
      stream.answer(WatchResponse.encode({ header, watchId, events: [put("a", 5n)] }));
      const cancelReason = "rpc error: code = PermissionDenied desc = etcdserver: permission denied";
      if (ends) stream.answer(WatchResponse.encode({ header, watchId, canceled: true, cancelReason }));
    },
  };
}

describe("watch", () => {
  it("asks for what its words and flags say, with a leader", async () => {
    const creates: WatchRequest[] = [];
    const run = await runFake(["watch", "a", "c", "--rev=3", "--prev-kv"], member(true, creates));
    expect(creates[0]?.requestUnion).toMatchObject({
      kind: "createRequest",
      value: { key: bytes("a"), rangeEnd: bytes("c"), startRevision: 3n, prevKv: true, progressNotify: false },
    });
    expect(run.stdout).toBe('PUT\na\nv "5"\n');
  });

  it("ends with exit code 5 when a member ends it, and says why", async () => {
    const run = await runFake(["watch", "a"], member(true));
    expect(run.exitCode).toBe(5);
    expect(run.stderr).toBe(
      "watch was canceled (rpc error: code = PermissionDenied desc = etcdserver: permission denied)\n" +
        "Error: watch is canceled by the server\n",
    );
  });

  it("runs a program for each event", async () => {
    const calls: unknown[] = [];
    await runFake(["watch", "a", "--", "prog", "-x", "y"], {
      ...member(true),
      runProgram(argv, env) {
        calls.push(argv, env);
        return { kind: "exited", code: 0 };
      },
    });
    expect(calls).toEqual([
      ["prog", "-x", "y"],
      {
        ETCD_WATCH_REVISION: "9",
        ETCD_WATCH_EVENT_TYPE: '"PUT"',
        ETCD_WATCH_KEY: '"a"',
        ETCD_WATCH_VALUE: '"v \\"5\\""',
      },
    ]);
  });

  it("ends when the program fails", async () => {
    const run = await runFake(["watch", "a", "--", "sh", "-c", "exit 3"], {
      ...member(false),
      runProgram: () => ({ kind: "exited", code: 3 }),
    });
    expect(run).toMatchObject({ exitCode: 1, stderr: 'command ["sh" "-c" "exit 3"] error (exit status 3)\n' });
  });

  it("takes its key from the environment", async () => {
    const creates: WatchRequest[] = [];
    const env = { ETCDCTL_WATCH_KEY: "k", ETCDCTL_WATCH_RANGE_END: "m" };
    const run = await runFake(["watch"], { ...member(true, creates), env });
    expect(creates[0]?.requestUnion).toMatchObject({ value: { key: bytes("k"), rangeEnd: bytes("m") } });
    expect(run.log).toEqual([]);
  });

  const key = { ETCDCTL_WATCH_KEY: "k" };
  const refused: [string[], Record<string, string>, string][] = [
    [[], {}, "bad number of arguments"],
    [["--"], {}, "bad number of arguments (found separator --, but no commands)"],
    [["a", "--"], {}, "bad number of arguments (found separator --, but no commands)"],
    [["--", "echo"], {}, "bad number of arguments"],
    [["a"], key, "bad number of arguments (found conflicting environment key)"],
    [["a", "--", "echo"], key, "bad number of arguments (found conflicting environment key)"],
    [["a"], { ETCDCTL_WATCH_RANGE_END: "c" }, 'ETCDCTL_WATCH_KEY is empty but got ETCDCTL_WATCH_RANGE_END="c"'],
    [["a", "b", "--prefix"], {}, "`range_end` and `--prefix` are mutually exclusive"],
  ];
  for (const [args, env, message] of refused) {
    it(`refuses ${JSON.stringify(args)} with ${JSON.stringify(env)}`, async () => {
      const run = await runFake(["watch", ...args], { ...member(true), env });
      expect(run).toMatchObject({ exitCode: 128, stdout: "", stderr: `Error: ${message}\n`, requests: [] });
    });
  }
});

describe("watch -i", () => {
  /** Gives each line when what was read before has been dealt with. */
  async function* typed(...lines: string[]): AsyncGenerator<string> {
    for (const line of lines) {
      yield `${line}\n`;
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
  }
  const end = "Error: error reading watch request line: EOF\n";

  it("watches what is typed, several at once, and tells their progress", async () => {
    const run = await runFake(["watch", "-i"], {
      ...member(false),
      stdin: typed("watch a", "watch --prefix b --rev=2", "progress"),
    });
    expect(run.stdout).toBe('PUT\na\nv "5"\nPUT\na\nv "5"\nprogress notify: 9\nprogress notify: 9\n');
    expect(run).toMatchObject({ exitCode: 3, stderr: end });
  });

  it("mentions lines that are none", async () => {
    const run = await runFake(["watch", "-i"], {
      ...member(false),
      stdin: typed("bogus", "", "watch", "watch --prefix a b"),
    });
    expect(run.stderr).toBe(
      "Invalid command bogus (only support watch)\n" +
        "Invalid command:  (watch and progress supported)\n" +
        "Invalid command watch (command type or key is not provided)\n" +
        `Invalid command watch --prefix a b (\`range_end\` and \`--prefix\` are mutually exclusive)\n${end}`,
    );
  });

  const fatal: [string, string][] = [
    ["watch --rev x a", 'invalid argument "x" for "--rev" flag: strconv.ParseInt: parsing "x": invalid syntax'],
    ["watch a --", "bad number of arguments (found separator --, but no commands)"],
  ];
  for (const [line, message] of fatal) {
    it(`ends at "${line}"`, async () => {
      const run = await runFake(["watch", "-i"], { ...member(false), stdin: typed(line, "watch a") });
      expect(run).toMatchObject({ exitCode: 128, stdout: "", stderr: `Error: ${message}\n` });
    });
  }

  it("ends when a program fails, although nothing is typed", async () => {
    const run = await runFake(["watch", "-i"], {
      ...member(false),
      stdin: (async function* () {
        yield "watch a -- false\n";
        await new Promise(() => {});
      })(),
      runProgram: () => ({ kind: "signalled", signal: "SIGKILL" }),
    });
    expect(run).toMatchObject({ exitCode: 1, stderr: 'command ["false"] error (signal: SIGKILL)\n' });
  });
});
