import { PutRequest, PutResponse, RangeResponse } from "@quorate/proto";
import { describe, expect, it } from "vitest";
import { type FakeSettings, runFake } from "../fake-world.js";

const header = { clusterId: 1n, memberId: 2n, revision: 3n, raftTerm: 4n };
const member: FakeSettings = {
  answers: {
    "/etcdserverpb.KV/Put": () => PutResponse.encode({ header }),
    "/etcdserverpb.KV/Range": () => RangeResponse.encode({ header }),
  },
};
const withEnv = (env: Record<string, string>): FakeSettings => ({ ...member, env });

describe("the name of a command", () => {
  it("may be a prefix that only one has, at each level", async () => {
    expect((await runFake(["pu", "a", "b"], member)).stdout).toBe("OK\n");
    expect((await runFake(["lea", "gra"], member)).stderr).toBe("Error: lease grant command needs TTL argument\n");
  });

  it("may stand behind flags, and flags behind it", async () => {
    const run = await runFake(["-w", "json", "--hex", "put", "--lease", "0", "a", "-w=simple", "b"], member);
    expect(run.stdout).toBe("OK\n");
  });

  const unknown: [string[], string][] = [
    [["bogus"], ""],
    [["gett", "a"], "\n\nDid you mean this?\n\tget\n"],
    [["GET"], "\n\nDid you mean this?\n\tget\n\tput\n\tdel\n"],
    [["de"], "\n\nDid you mean this?\n\tget\n\tdel\n\tdefrag\n"],
  ];
  for (const [argv, hint] of unknown) {
    it(`that nobody has: ${argv.join(" ")}`, async () => {
      const text = `Error: unknown command "${argv[0]}" for "etcdctl"${hint}\nRun 'etcdctl --help' for usage.\n`;
      expect(await runFake(argv)).toMatchObject({ exitCode: 1, stdout: "", stderr: text });
    });
  }

  it("is what follows the word behind an unknown flag", async () => {
    expect((await runFake(["--bogus", "get", "put"])).stderr).not.toContain("unknown command");
    expect((await runFake(["--bogus", "get", "zzz"])).stderr).toContain('unknown command "zzz"');
  });
});

describe("flags", () => {
  const wrong: [string[], string][] = [
    [["--endpoint=x"], "unknown flag: --endpoint"],
    [["-z"], "unknown shorthand flag: 'z' in -z"],
    [["-bar"], "unknown shorthand flag: 'b' in -bar"],
    [["--lease"], "flag needs an argument: --lease"],
    [["-w"], "flag needs an argument: 'w' in -w"],
    [["---x"], "bad flag syntax: ---x"],
    [
      ["--prev-kv=maybe"],
      'invalid argument "maybe" for "--prev-kv" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
    ],
    [["--dial-timeout=5"], 'invalid argument "5" for "--dial-timeout" flag: time: missing unit in duration "5"'],
    [
      ["--max-recv-bytes", "x"],
      'invalid argument "x" for "--max-recv-bytes" flag: strconv.ParseInt: parsing "x": invalid syntax',
    ],
  ];
  for (const [flags, message] of wrong) {
    it(`that are wrong: ${flags.join(" ")}`, async () => {
      const run = await runFake(["put", "a", "b", ...flags], member);
      expect(run).toMatchObject({ exitCode: 1, stdout: "", requests: [] });
      expect(run.stderr.startsWith(`Error: ${message}\nUsage:\n  etcdctl put `)).toBe(true);
    });
  }

  it("end at --", async () => {
    const run = await runFake(["put", "--", "--prev-kv", "-w"], member);
    expect(PutRequest.decode(run.requests[0]?.message ?? new Uint8Array())).toMatchObject({
      key: new TextEncoder().encode("--prev-kv"),
      value: new TextEncoder().encode("-w"),
    });
  });

  it("give lists: the first replaces the default, the next are added", async () => {
    const run = await runFake(["get", "a", "--endpoints=a:1,b:2", "--endpoints", "c:3,"], member);
    expect(run.connections.map(({ endpoint }) => endpoint.url)).toEqual(["a:1", "b:2", "c:3"]);
  });
});

describe("the environment", () => {
  it("sets global flags", async () => {
    const env = {
      ETCDCTL_ENDPOINTS: "a:1,b:2",
      ETCDCTL_WRITE_OUT: "fields",
      ETCDCTL_HEX: "true",
      ETCDCTL_DIAL_TIMEOUT: "7s",
    };
    const run = await runFake(["get", "a"], withEnv(env));
    expect(run.stdout).toContain('"ClusterID" : 1\n');
    expect(run.connections).toMatchObject([{ endpoint: { url: "a:1" }, options: { connectTimeoutMs: 7_000 } }, {}]);
    expect(run.log).toEqual([]);
  });

  it("must not set what the command line sets, not even to nothing", async () => {
    for (const value of ["json", ""]) {
      const run = await runFake(["get", "a", "-w", "json"], withEnv({ ETCDCTL_WRITE_OUT: value }));
      expect(run).toMatchObject({ exitCode: 1, stdout: "", stderr: "", requests: [] });
      expect(run.log).toMatchObject([{ level: "fatal", "environment-variable": "ETCDCTL_WRITE_OUT" }]);
    }
  });

  it("is mentioned where it says nothing", async () => {
    const env = { ETCDCTL_API: "3", ETCDCTL_USER: "", ETCDCTL_WATCH_KEY: "a", OTHER: "x" };
    const run = await runFake(["get", "a"], withEnv(env));
    expect(run.log.map((line) => line["environment-variable"])).toEqual([
      "ETCDCTL_API=3",
      "ETCDCTL_USER=",
      "ETCDCTL_WATCH_KEY=a",
    ]);
    expect(run.log[0]).toMatchObject({ level: "warn", msg: "unrecognized environment variable" });
  });

  it("does not count where its value is none, and not for the time of most commands", async () => {
    const run = await runFake(["get", "a"], withEnv({ ETCDCTL_HEX: "x", ETCDCTL_COMMAND_TIMEOUT: "-1s" }));
    expect(run).toMatchObject({ exitCode: 0, log: [] });
    const compaction = await runFake(["compaction", "3"], withEnv({ ETCDCTL_COMMAND_TIMEOUT: "-1s" }));
    expect(compaction).toMatchObject({ exitCode: 1, stderr: "Error: context deadline exceeded\n", requests: [] });
  });

  it("is not looked at by commands that ask nobody", async () => {
    const run = await runFake(["version", "-w", "json"], withEnv({ ETCDCTL_WRITE_OUT: "json", ETCDCTL_API: "3" }));
    expect(run).toMatchObject({ exitCode: 0, stderr: "", log: [] });
  });

  it("is printed with --debug, as the flags are", async () => {
    const run = await runFake(["get", "a", "--debug", "--dial-timeout=90s"], withEnv({ ETCDCTL_USER: "ann:pw" }));
    const lines = run.stderr.split("\n");
    expect(lines).toContain("ETCDCTL_DIAL_TIMEOUT=1m30s");
    expect(lines).toContain("ETCDCTL_ENDPOINTS=[127.0.0.1:2379]");
    expect(lines).toContain("ETCDCTL_USER=ann:pw");
    expect(lines.slice(0, -1)).toEqual([...lines.slice(0, -1)].sort());
  });
});

describe("help", () => {
  it("is what the program, a group and --help print", async () => {
    for (const argv of [[], ["--help"], ["-h"], ["lease"], ["lease", "bogus"], ["put", "--help"], ["help", "put"]]) {
      const run = await runFake(argv);
      expect(run).toMatchObject({ exitCode: 0, stderr: "" });
      expect(run.stdout).toMatch(/^Usage:$/m);
    }
  });

  it("lists every command with its group", async () => {
    const { stdout } = await runFake([]);
    expect(stdout).toMatch(/Key-value commands\n(?: {2}\S+ +\S.*\n)* {2}put {9}Puts the given key into the store\n/);
    expect(stdout).toContain("Utility commands\n");
  });

  it("knows no topic that is no command", async () => {
    const run = await runFake(["help", "bogus", "x"]);
    expect(run).toMatchObject({ exitCode: 0, stdout: "" });
    expect(run.stderr.startsWith("Unknown help topic [`bogus` `x`]\nUsage:\n")).toBe(true);
  });
});

describe("options, version and completion", () => {
  it("print the global flags with their defaults", async () => {
    const { stdout } = await runFake(["options", "x"]);
    expect(stdout).toMatch(/^The following options can be passed to any command:\n\n/);
    expect(stdout).toMatch(/^ {6}--dial-timeout duration {2,}.*\(default 2s\)$/m);
    expect(stdout).toMatch(/^ {2}-w, --write-out string {2,}.*\(default "simple"\)$/m);
  });

  it("print etcd's version, and the own one under the own name", async () => {
    expect((await runFake(["version"])).stdout).toBe("etcdctl version: 3.7.1\nAPI version: 3.7\n");
    const own = await runFake(["version"], { programName: "quoratectl" });
    expect(own.stdout).toMatch(/^quoratectl version: \d+\.\d+\.\d+\netcdctl version: 3\.7\.1\nAPI version: 3\.7\n$/);
  });

  it("print a script for each shell, with all commands and flags", async () => {
    for (const shell of ["bash", "zsh", "fish", "powershell"]) {
      const { exitCode, stdout } = await runFake(["completion", shell], { programName: "quoratectl" });
      expect(exitCode).toBe(0);
      for (const word of ["quoratectl", "timetolive", "prev-kv", "insecure-skip-tls-verify"])
        expect(stdout).toContain(word);
    }
  });

  const wrong: [string[], string][] = [
    [[], "accepts 1 arg(s), received 0"],
    [["nosh"], 'invalid argument "nosh" for "etcdctl completion"'],
    [["constructor"], 'invalid argument "constructor" for "etcdctl completion"'],
    [["bash", "zsh"], "accepts 1 arg(s), received 2"],
  ];
  for (const [args, message] of wrong) {
    it(`refuse ${JSON.stringify(args)}`, async () => {
      const run = await runFake(["completion", ...args]);
      expect(run.exitCode).toBe(1);
      expect(run.stderr).toContain(`Error: ${message}\nUsage:\n`);
    });
  }
});
