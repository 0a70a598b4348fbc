import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { type LogFields, silentLogger } from "@quorate/common";
import { SimulatedClock } from "@quorate/testkit";
import { describe, expect, it, onTestFinished } from "vitest";
import { type DirectoryLock, lockDirectory, WalError } from "../src/index.js";
import { realClock, temporaryDirectory } from "./fixtures.js";

const script = new URL("lock-holder.ts", import.meta.url).pathname;

/** Another process that has the lock. */
function startHolder(directory: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [script, directory], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  return new Promise((resolve, reject) => {
    child.stdout.once("data", () => resolve(child));
    child.once("exit", () => reject(new Error("ended before it had the lock")));
  });
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => child.once("exit", () => resolve()));
}

async function faultOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => (error instanceof WalError ? error.fault : error),
  );
}

describe("lockDirectory", () => {
  it("locks at once, leaves one small file that only its owner may read, and lets others in when released", async () => {
    const directory = temporaryDirectory();
    const ports = { clock: new SimulatedClock(), logger: silentLogger };
    const first = await lockDirectory(directory, ports);
    expect(readdirSync(directory)).toEqual(["lock"]);
    expect(statSync(first.path).size).toBe(0);
    expect(statSync(first.path).mode & 0o777).toBe(0o600);
    first.release();
    first.release();
    (await lockDirectory(directory, ports)).release();
  });

  it("waits for another process without blocking, says so once after ten seconds, and gets it when that one is killed", async () => {
    const directory = temporaryDirectory();
    const holder = await startHolder(directory);
    const clock = new SimulatedClock();
    const lines: [string, LogFields | undefined][] = [];
    const logger = {
      ...silentLogger,
      info: (message: string, fields?: LogFields) => void lines.push([message, fields]),
    };
    let lock: DirectoryLock | undefined;
    const locking = lockDirectory(directory, { clock, logger }, { reportedPath: "/data/member/snap/db" }).then(
      (got) => {
        lock = got;
      },
    );
    await clock.advance(9_900);
    expect(lines).toEqual([]);
    await clock.advance(20_000);
    expect(lines).toEqual([
      ["db file is flocked by another process, or taking too long", { path: "/data/member/snap/db", took: "10s" }],
    ]);
    expect(lock).toBeUndefined();
    const over = ended(holder);
    holder.kill("SIGKILL");
    await over;
    await clock.advance(50);
    await locking;
    expect(lock?.path).toBe(`${directory}/lock`);
    lock?.release();
    expect(clock.timerCount).toBe(0);
  });

  it("keeps a second lock of the same process waiting too, and gives up when told", async () => {
    const directory = temporaryDirectory();
    const clock = new SimulatedClock();
    const ports = { clock, logger: silentLogger };
    const first = await lockDirectory(directory, ports);
    const abort = new AbortController();
    const second = faultOf(lockDirectory(directory, ports, { signal: abort.signal }));
    await clock.advance(1000);
    abort.abort();
    expect(await second).toEqual({ code: "wal/lock-aborted", path: `${directory}/lock` });
    expect(clock.timerCount).toBe(0);
    expect(await faultOf(lockDirectory(directory, ports, { signal: abort.signal }))).toMatchObject({
      code: "wal/lock-aborted",
    });
    first.release();
  });

  it("takes over at once from a process that was killed, again and again", async () => {
    const directory = temporaryDirectory();
    for (let turn = 0; turn < 3; turn++) {
      const holder = await startHolder(directory);
      const over = ended(holder);
      holder.kill("SIGKILL");
      await over;
    }
    (await lockDirectory(directory, { clock: realClock, logger: silentLogger })).release();
  }, 30_000);

  it("says why a directory cannot be locked", async () => {
    const ports = { clock: new SimulatedClock(), logger: silentLogger };
    const directory = temporaryDirectory();
    expect(await faultOf(lockDirectory(`${directory}/none`, ports))).toMatchObject({ code: "wal/lock-failed" });
    writeFileSync(`${directory}/lock`, "this is something else entirely, and longer than a header".repeat(20));
    expect(await faultOf(lockDirectory(directory, ports))).toMatchObject({
      code: "wal/lock-failed",
      path: `${directory}/lock`,
    });
    chmodSync(directory, 0o700);
  });
});
