import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it, vi } from "vitest";

const packageDirectory = join(import.meta.dirname, "..");

describe("README.md", () => {
  it("shows an example that runs", async () => {
    const example = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(packageDirectory, "README.md"), "utf8"))?.[1] ?? "";
    const directory = mkdtempSync(join(packageDirectory, "test", ".readme-"));
    const said = vi.spyOn(console, "log").mockImplementation(() => {});
    try {
      const file = join(directory, "example.ts");
      writeFileSync(
        file,
        example.replace('"@quorate/server"', JSON.stringify(join(packageDirectory, "src", "index.ts"))),
      );
      await import(pathToFileURL(file).href);
      expect(said.mock.calls).toEqual([["m1", 4_000_000_000]]);
    } finally {
      said.mockRestore();
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
