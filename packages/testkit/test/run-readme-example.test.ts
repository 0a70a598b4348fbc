import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { runReadmeExample } from "../src/index.js";

describe("runReadmeExample", () => {
  it("runs the example of this package", async () => {
    expect(await runReadmeExample(new URL("../README.md", import.meta.url).pathname)).toBe("true\n");
  }, 60_000);

  it("refuses an example that does not compile, and a README without one", async () => {
    const directory = mkdtempSync(new URL("../dist/wrong-", import.meta.url).pathname);
    try {
      writeFileSync(`${directory}/README.md`, "no example");
      await expect(runReadmeExample(`${directory}/README.md`)).rejects.toThrow("has 0 examples");
      writeFileSync(`${directory}/README.md`, "```ts\nconst text: string = 5;\nconsole.log(text);\n```\n");
      await expect(runReadmeExample(`${directory}/README.md`)).rejects.toThrow("TS2322");
    } finally {
      rmSync(directory, { recursive: true });
    }
  }, 60_000);
});
