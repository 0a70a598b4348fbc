import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { MemberProcess } from "../../src/index.js";

const binary = fileURLToPath(new URL("../fixtures/fake-member.mjs", import.meta.url));

describe("MemberProcess", () => {
  it("gives the process ports and a directory of its own, and cleans up", async () => {
    const member = await MemberProcess.launch({ binary, name: "x" });
    try {
      for (const flag of [
        `--data-dir=${member.directory}/data`,
        `--listen-client-urls=${member.clientUrl}`,
        `--initial-cluster=x=${member.peerUrl}`,
      ]) {
        expect(member.log).toContain(flag);
      }
      expect(member.isRunning).toBe(true);
    } finally {
      await member.dispose();
    }
    expect(member.isRunning).toBe(false);
    expect(existsSync(member.directory)).toBe(false);
  });

  it("lets a flag replace the default of its name", async () => {
    await using member = await MemberProcess.launch({ binary, flags: ["--name=other", "--more"] });
    expect(member.log).toContain("--name=other --more");
    expect(member.log).not.toContain("--name=default");
  });

  it("starts again on the same data and ports", async () => {
    await using member = await MemberProcess.launch({ binary });
    const pid = member.pid;
    expect(await member.stop("SIGKILL")).toEqual({ code: undefined, signal: "SIGKILL" });
    member.start();
    await member.waitForPort(member.clientPort);
    expect(member.pid).not.toBe(pid);
    expect(member.log.match(/started with/g)).toHaveLength(2);
  });

  it("reports the last words of a process that does not start", async () => {
    await expect(MemberProcess.launch({ binary, flags: ["--fail"] })).rejects.toThrow("a flag that makes it fail");
    await expect(MemberProcess.launch({ binary: "/nonexistent/etcd" })).rejects.toThrow(
      "cannot start /nonexistent/etcd",
    );
  });

  it("kills a process that does not stop, and says so", async () => {
    await using member = await MemberProcess.launch({ binary, flags: ["--ignore-sigterm"] });
    await expect(member.stop("SIGTERM", 300)).rejects.toThrow("did not end within 300 ms of SIGTERM");
    expect(member.isRunning).toBe(false);
  });
});
