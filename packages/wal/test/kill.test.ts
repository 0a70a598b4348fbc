import { spawn } from "node:child_process";
import { describe, expect, it } from "vitest";
import { mustOpen, temporaryDirectory, text } from "./fixtures.js";

const script = new URL("kill-writer.ts", import.meta.url).pathname;

/** Lets a process append until it has acknowledged so many more, and kills it. @returns the last index it acknowledged. */
function killAfter(directory: string, acknowledgements: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, directory], { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      // One more line says that the log is open.
      if (output.split("\n").length > acknowledgements + 1) child.kill("SIGKILL");
    });
    child.on("error", reject);
    child.on("close", (_, signal) => {
      if (signal !== "SIGKILL") reject(new Error(`ended by itself: ${output.slice(-200)}`));
      // The last line may be cut off.
      else resolve(Number(output.slice(0, output.lastIndexOf("\n")).split("\n").at(-1)));
    });
  });
}

describe("a process that is killed", () => {
  it("has lost nothing it acknowledged, and can go on", async () => {
    const directory = `${temporaryDirectory()}/wal`;
    for (const acknowledgements of [1, 50, 400, 2000, 3]) {
      const acknowledged = await killAfter(directory, acknowledgements);
      const { wal, recovered } = await mustOpen({ directory, segmentBytesMax: 100_000 });
      await wal.close();
      expect(recovered.entries.length).toBeGreaterThanOrEqual(acknowledged);
      for (const [at, entry] of recovered.entries.entries()) {
        const index = at + 1;
        expect(entry.index).toBe(index);
        expect(text(entry.data)).toBe(`${index}:${"x".repeat(index % 500)}`);
      }
    }
  }, 60_000);
});
