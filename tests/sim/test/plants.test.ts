import { execFile } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { plants } from "../src/plants.js";

const main = join(import.meta.dirname, "../dist/main.js");

/** Runs the program. @returns its exit code and what it said. */
function sim(...args: string[]): Promise<{ code: number; said: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { encoding: "utf8" }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : error === null ? 0 : 1, said: stdout + stderr });
    });
  });
}

describe("bugs planted on purpose", () => {
  for (const [name, { why }] of Object.entries(plants)) {
    it(`finds that ${why}`, async () => {
      const { code, said } = await sim("--plant", name, "--from", "1", "--seeds", "200", "--no-shrink", "--no-members");
      expect([code, said]).toEqual([0, expect.stringContaining(`--plant ${name}`)]);
    });
  }

  it("refuses the name of a bug that it does not know", async () => {
    const { code, said } = await sim("--plant", "gremlins");
    expect(code).not.toBe(0);
    expect(said).toContain("There are: ack-before-sync");
  });
});

describe("pnpm sim", () => {
  it("prints the same hash for the same seed", async () => {
    const [first, second] = [await sim("--seed", "5"), await sim("--seed", "5")];
    expect(first.code).toBe(0);
    expect(first.said).toMatch(/^seed 5, trace [0-9a-f]{64}\n/);
    expect(second.said).toBe(first.said);
  });

  it("says what it can do", async () => {
    const { code, said } = await sim("--help");
    expect([code, said]).toEqual([0, expect.stringContaining("pnpm sim --seed N")]);
  });
});
