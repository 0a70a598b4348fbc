import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";

const door = new URL("../../dist/index.js", import.meta.url).href;

/** Modules of Node's that a fresh process has loaded after running a program. */
function loadedBy(program: string): string {
  const tell = "console.log(process.moduleLoadList.join())";
  return execFileSync(process.execPath, ["--input-type=module", "-e", `${program}\n${tell}`], { encoding: "utf8" });
}

describe("nodeHttp", () => {
  it("is there without Node's fetch, which an import would load at each start", () => {
    const loaded = loadedBy(`await import(${JSON.stringify(door)});`);
    expect(loaded).toMatch(/NativeModule http\b/);
    expect(loaded).not.toContain("undici");
  });

  it("would load it otherwise: when this fails, an import has become as good", () => {
    expect(loadedBy('import { createServer } from "node:http"; createServer;')).toContain("undici");
  });
});
