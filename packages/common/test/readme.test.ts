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
      const ownSource = JSON.stringify(join(packageDirectory, "src", "index.ts"));
      writeFileSync(file, example.replace('"@quorate/common"', ownSource));
      await import(pathToFileURL(file).href);
      expect(said.mock.calls).toEqual([["store/future", 7]]);
    } finally {
      said.mockRestore();
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
