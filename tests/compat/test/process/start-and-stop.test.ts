import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Http1Exchange } from "../../src/http/http1-exchange.js";
import { MemberProcess } from "../../src/index.js";

const readyLine = "ready to serve client requests";

/** GET on the client port. @returns the status, 0 when there is no answer */
async function get(member: MemberProcess, path: string): Promise<number> {
  const exchange = await Http1Exchange.open(member.clientPort, {});
  exchange.send(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n`);
  await exchange.until(() => exchange.answer.isComplete, 10_000);
  exchange.close();
  return exchange.answer.status;
}

async function until(isSo: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 20_000;
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`${what} did not happen`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Runs a member that is expected to end by itself. */
async function failToStart(options: { flags?: string[]; prepare?: (directory: string) => void; clientPort?: number }) {
  await using member = await MemberProcess.prepare(options);
  options.prepare?.(member.directory);
  member.start();
  return { exit: await member.exit, log: member.log };
}

describe("a start that cannot succeed", () => {
  it("refuses an unknown flag with exit code 2", async () => {
    const { exit, log } = await failToStart({ flags: ["--bogus=1"] });
    expect(exit).toEqual({ code: 2, signal: undefined });
    expect(log).toContain("flag provided but not defined: -bogus");
  });

  it("names the port that is in use", async () => {
    await using first = await MemberProcess.launch();
    const { exit, log } = await failToStart({ clientPort: first.clientPort });
    expect(exit.code).toBe(1);
    expect(log).toContain(`listen tcp 127.0.0.1:${first.clientPort}: bind: address already in use`);
    expect(await get(first, "/health")).toBe(200);
  });

  it("names a data directory that cannot be made", async () => {
    const { exit, log } = await failToStart({ flags: ["--data-dir=/proc/no/such"] });
    expect(exit.code).toBe(1);
    expect(log).toContain("/proc/no/such");
  });

  it("names a data directory that is a file", async () => {
    const { exit, log } = await failToStart({ prepare: (directory) => writeFileSync(join(directory, "data"), "x") });
    expect(exit.code).toBe(1);
    expect(log).toMatch(/\/data\b/);
  });

  it("refuses a database that is not ours, and leaves it alone", async () => {
    await using member = await MemberProcess.prepare();
    const database = join(member.directory, "data/member/snap/db");
    mkdirSync(join(database, ".."), { recursive: true });
    writeFileSync(database, "somebody else's data\n".repeat(500));
    member.start();
    const exit = await member.exit;
    expect(exit.code).not.toBe(0);
    expect(exit.signal).toBeUndefined();
    expect(member.log).toContain("member/snap/db");
    expect(readFileSync(database, "utf8")).toBe("somebody else's data\n".repeat(500));
  });
});

describe("a second process on one directory", () => {
  it("waits for the first one to end, and then serves", async () => {
    await using first = await MemberProcess.launch();
    await using second = await MemberProcess.prepare({ flags: [`--data-dir=${join(first.directory, "data")}`] });
    second.start();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(second.isRunning).toBe(true);
    expect(second.log).not.toContain(readyLine);
    expect(await get(first, "/health")).toBe(200);
    await first.stop("SIGKILL");
    await second.waitForPort(second.clientPort);
    await until(() => second.log.includes(readyLine), "the second start");
    expect(await get(second, "/health")).toBe(200);
  });
});

describe("ready and stop", () => {
  it("says that it is ready when it answers, in lines of JSON only", async () => {
    await using member = await MemberProcess.prepare();
    member.start();
    await until(() => member.log.includes(readyLine), "the ready line");
    expect(await get(member, "/health")).toBe(200);
    for (const line of member.log.trim().split("\n")) {
      expect(JSON.parse(line)).toMatchObject({
        level: expect.any(String),
        ts: expect.any(String),
        msg: expect.any(String),
      });
    }
  });

  it("ends by SIGTERM, also with connections that are open", async () => {
    await using member = await MemberProcess.launch();
    await until(() => member.log.includes(readyLine), "the ready line");
    const watch = await Http1Exchange.open(member.clientPort, {});
    const idle = connect(member.clientPort, "127.0.0.1");
    idle.on("error", () => {});
    expect(await member.stop("SIGTERM", 5_000)).toEqual({ code: undefined, signal: "SIGTERM" });
    watch.close();
    idle.destroy();
  });

  it("starts again at once on the same ports and directory, after kill -9 too", async () => {
    await using member = await MemberProcess.launch();
    for (const signal of ["SIGKILL", "SIGTERM", "SIGKILL"] as const) {
      await member.stop(signal);
      member.start();
      await member.waitForPort(member.clientPort);
    }
    await until(() => (member.log.match(new RegExp(readyLine, "g")) ?? []).length >= 1, "the ready line");
    expect(await get(member, "/health")).toBe(200);
  });
});
