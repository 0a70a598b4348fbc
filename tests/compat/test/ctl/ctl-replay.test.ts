import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type CtlStep, replayCtlCase } from "../../src/index.js";
import { testdata } from "../replay/expectations.js";

const directory = mkdtempSync(join(tmpdir(), "quorate-fake-ctl-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const fake = join(directory, "etcdctl");
writeFileSync(fake, '#!/bin/sh\neval "$1"\n');
chmodSync(fake, 0o755);

const programs = new Map([["etcdctl", fake]]);
const replay = (...steps: CtlStep[]) =>
  replayCtlCase({ title: "t", server: null, steps }, { fixtures: join(testdata, "http", "fixtures"), programs });
const run = (script: string) => ({ argv: ["etcdctl", script], exit: 0, stdout: "", stderr: "" });

describe("replayCtlCase", () => {
  it("compares standard output, standard error and the exit status", async () => {
    await replay({ ...run("echo a; echo b >&2; exit 3"), exit: 3, stdout: "a\n", stderr: "b\n" });
    await expect(replay({ ...run("exit 3"), exit: 2 })).rejects.toThrow(/step 1: etcdctl exit 3\nexit 2 wanted, not 3/);
    await expect(replay({ ...run("echo a"), stdout: "b\n" })).rejects.toThrow(/stdout: wanted\n {4}\| b/);
    await expect(replay({ ...run("echo a >&2") })).rejects.toThrow(/stderr: wanted/);
  });

  it("compares nothing but the status with only_exit", () => replay({ ...run("echo a"), only_exit: true }));

  it("captures names and fills them in later", () =>
    replay(
      { ...run("echo lease 694d81417acd4754"), capture: { L: "lease ([0-9a-f]+)" }, stdout: "lease {L}\n" },
      { ...run("echo {L} {TMP} $HOME"), stdout: "{L} {TMP} {TMP}\n" },
    ));

  it("gives texts, repeated texts and pieces as input", async () => {
    await replay({ ...run("cat"), stdin: "a\n", stdout: "a\n" });
    await replay({ ...run("cat"), stdin: { repeat: "ab", times: 3 }, stdout: "ababab" });
    await replay({ ...run("cat"), stdin: ["a\n", "b\n"], stdout: "a\nb\n" });
  });

  it("stops a program after some lines and tells the signal", () =>
    replay({ ...run("echo a; exec sleep 20"), stop: { lines: 1, signal: "SIGINT" }, exit: "SIGINT", stdout: "a\n" }));

  it("ends programs in the background when the case says so", () =>
    replay(
      { argv: ["etcdctl", "echo a; exec sleep 20"], background: "w", settle_ms: 50 },
      { finish: "w", stop: { lines: 1, signal: "SIGTERM" }, exit: "SIGTERM", stdout: "a\n", stderr: "" },
    ));

  it("shows what a terminal shows, and answers it", () =>
    replay({
      ...run("printf 'Name: '; read name; echo got $name; exit 4"),
      tty: true,
      dialog: [["Name: ", "x\n"]],
      exit: 4,
      stdout: "Name: x\ngot x\n",
    }));

  it("compares log lines, but not those of the client library", async () => {
    const line = '{"level":"info","ts":"x","msg":"saved","path":"p"}';
    const retry = '{"level":"warn","logger":"etcd-client","msg":"retrying"}';
    await replay({ ...run(`echo '${line}' >&2`), logs: [{ level: "info", msg: "saved", fields: ["path"] }] });
    await replay({ ...run(`echo '${retry}' >&2`), logs: [] });
    await expect(replay({ ...run(`echo '${line}' >&2`), logs: [] })).rejects.toThrow(/log lines: wanted/);
  });

  it("writes files and waits", () =>
    replay({ write: { "a.txt": "{TMP}\n" } }, { sleep_ms: 1 }, { ...run("cat a.txt"), stdout: "{TMP}\n" }));
});
