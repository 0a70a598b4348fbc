import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it, vi } from "vitest";
import { ExitCode } from "../src/exit-codes.js";

const packageDirectory = join(import.meta.dirname, "..");
const readme = readFileSync(join(packageDirectory, "README.md"), "utf8");

describe("README.md", () => {
  it("shows an example that runs", async () => {
    const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
    const directory = mkdtempSync(join(packageDirectory, "test", ".readme-"));
    const said = vi.spyOn(console, "log").mockImplementation(() => {});
    try {
      const file = join(directory, "example.ts");
      const source = JSON.stringify(join(packageDirectory, "src", "index.ts"));
      writeFileSync(file, example.replace('"@quorate/ctl"', source));
      await import(pathToFileURL(file).href);
      expect(said.mock.calls).toEqual([[0, "etcdctl version: 3.7.1\nAPI version: 3.7\n"]]);
    } finally {
      said.mockRestore();
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it("lists every exit code", () => {
    const listed = [...readme.matchAll(/^\| (\d+) +\|/gm)].map(([, code]) => Number(code));
    expect(listed).toEqual(Object.values(ExitCode));
  });
});
