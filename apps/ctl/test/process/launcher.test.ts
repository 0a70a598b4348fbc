import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PutRequest, PutResponse, RangeResponse } from "@quorate/proto";
import { afterAll, describe, expect, it } from "vitest";
import { FakeServer, type ServerCall } from "../fake-server.js";

const bin = fileURLToPath(new URL("../../../../bin/", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "quorate-ctl-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

type Ended = {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: Buffer;
  readonly stderr: string;
};

/** Runs a script of the shell, in which $CTL is the program. */
function shell(
  script: string,
  env: Record<string, string> = {},
  options: { killAfterLine?: NodeJS.Signals } = {},
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn("bash", ["-c", script], {
      cwd: directory,
      env: { PATH: process.env.PATH ?? "", HOME: directory, CTL: join(bin, "etcdctl"), ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => {
      stdout.push(chunk);
      if (options.killAfterLine !== undefined) child.kill(options.killAfterLine);
    });
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.on("close", (code, signal) => {
      resolve({ code, signal, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() });
    });
  });
}

const value = Buffer.alloc(3_000_000, "0123456789abcdef\n");
const header = { clusterId: 1n, memberId: 2n, revision: 3n, raftTerm: 4n };
const kv = { key: Buffer.from("k"), value, createRevision: 1n, modRevision: 1n, version: 1n, lease: 0n };

function answer(call: ServerCall): void {
  if (call.path.endsWith("/Range")) call.send(RangeResponse.encode({ header, kvs: [kv], count: 1n }));
  else call.send(PutResponse.encode({ header }));
  call.end();
}

describe("bin/etcdctl and bin/quoratectl", () => {
  it("start from anywhere, through links, under the name they are called by", async () => {
    symlinkSync(join(bin, "quoratectl"), join(directory, "qctl"));
    const { stdout, stderr } = await shell("./qctl version; $CTL version");
    expect(stdout.toString()).toMatch(
      /^qctl version: [\d.]+\netcdctl version: 3\.7\.1\nAPI version: 3\.7\netcdctl version: 3\.7\.1\nAPI version: 3\.7\n$/,
    );
    expect(stderr).toBe("");
  });

  it("complete commands and flags in bash", async () => {
    const complete = (...words: string[]) =>
      `COMP_WORDS=(${words.map((word) => `"${word}"`).join(" ")}); COMP_CWORD=${words.length - 1}; __etcdctl_complete; echo "\${COMPREPLY[@]}"`;
    const { stdout } = await shell(
      `source <($CTL completion bash); ${complete("etcdctl", "wa")}; ${complete("etcdctl", "--hex", "lease", "ti")}; ${complete("etcdctl", "put", "--ig")}`,
    );
    expect(stdout.toString()).toBe("watch\ntimetolive\n--ignore-lease --ignore-value\n");
  });

  it("pass exit codes on", async () => {
    expect((await shell("exec $CTL bogus")).code).toBe(1);
    expect((await shell("exec $CTL put")).code).toBe(128);
  });

  it("send arguments and input as the bytes they are", async () => {
    await using server = await FakeServer.start(answer);
    const { code, stderr } = await shell(
      `export ETCDCTL_ENDPOINTS=${server.address}; $CTL put $'a\\xff\\xc3\\xa9' $'\\x80' && printf '\\xff\\x00' | $CTL put b`,
    );
    expect([code, stderr]).toEqual([0, ""]);
    expect(server.calls.map((call) => PutRequest.decode(call.messages[0] ?? Buffer.alloc(0)))).toMatchObject([
      { key: new Uint8Array([0x61, 0xff, 0xc3, 0xa9]), value: new Uint8Array([0x80]) },
      { key: new Uint8Array([0x62]), value: new Uint8Array([0xff, 0]) },
    ]);
  });

  it("wait for a reader who is slow, and lose nothing", async () => {
    await using server = await FakeServer.start(answer);
    const { code, stdout } = await shell(`$CTL --endpoints=${server.address} get k | (sleep 0.5; cat)`);
    expect(code).toBe(0);
    expect(stdout.equals(Buffer.concat([Buffer.from("k\n"), value, Buffer.from("\n")]))).toBe(true);
  });

  // Only a program that may change an open file can make such a pipe.
  it.skipIf(spawnSync("python3", ["-V"]).status !== 0)("wait for a full pipe that does not block, too", async () => {
    await using server = await FakeServer.start(answer);
    const nonBlocking =
      "import fcntl, os, sys; fcntl.fcntl(1, fcntl.F_SETFL, os.O_NONBLOCK); os.execv(sys.argv[1], sys.argv[1:])";
    const { code, stdout } = await shell(
      `python3 -c '${nonBlocking}' $CTL --endpoints=${server.address} get k --print-value-only | (sleep 0.5; cat)`,
    );
    expect(code).toBe(0);
    expect(stdout.length).toBe(value.length + 1);
  });

  it("end without a word when nobody reads any more", async () => {
    await using server = await FakeServer.start(answer);
    const { stdout, stderr } = await shell(
      `$CTL --endpoints=${server.address} get k | head -n 1; echo \${PIPESTATUS[0]}`,
    );
    expect([stdout.toString(), stderr]).toEqual(["k\n141\n", ""]);
  });

  it("say when the output cannot be written", async () => {
    const { code, stderr } = await shell("$CTL version > /dev/full");
    expect([code, stderr]).toEqual([1, "Error: cannot write the output: ENOSPC: no space left on device, write\n"]);
    expect((await shell("$CTL bogus 2> /dev/full")).code).toBe(1);
  });
});

describe("a connection from the command line", () => {
  it("to nobody ends with the time that was given, and the log says why", async () => {
    const { code, stdout, stderr } = await shell("exec $CTL --endpoints=127.0.0.1:1 --command-timeout=300ms get a");
    expect([code, stdout.length]).toEqual([1, 0]);
    const [log = "", error] = stderr.split("\n");
    expect(JSON.parse(log)).toMatchObject({ level: "warn", error: expect.stringContaining("nobody listens there") });
    expect(error).toBe("Error: context deadline exceeded");
  });

  it("that is cut in the middle of an answer is a failed request", async () => {
    await using server = await FakeServer.start((call) => {
      call.stream.respond({ ":status": 200, "content-type": "application/grpc" });
      call.stream.write(Buffer.from([0, 0, 0, 0, 9, 1]), () => call.session.destroy());
    });
    const { code, stderr } = await shell(`exec $CTL --endpoints=${server.address} put a b`);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Error: rpc error: code = Unavailable desc = error reading from server: /m);
    expect(server.calls).toHaveLength(1);
  });
});
