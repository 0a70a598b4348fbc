import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { type BundlePlaces, nameSources, placeBefore, readPlaces } from "../../src/process/bundle-places.js";
import { scratchDirectory } from "./scratch.js";

// Lines 3 to 7 are a.js from its line 10 on, 8 is the bundler's, from 9 on it is b.js.
const places: BundlePlaces = { sources: ["../a.js", "../../b.js"], runs: [1, -1, 0, 3, 0, 10, 8, -1, 0, 9, 1, 1] };

describe("placeBefore", () => {
  it.each([
    [1, undefined],
    [3, { source: "../a.js", line: 10 }],
    [7, { source: "../a.js", line: 14 }],
    [8, undefined],
    [9, { source: "../../b.js", line: 1 }],
    [500, { source: "../../b.js", line: 492 }],
  ])("finds where line %i was", (line, expected) => {
    expect(placeBefore(places, line)).toEqual(expected);
  });

  it("knows nothing when there is no run", () => {
    expect(placeBefore({ sources: [], runs: [] }, 4)).toBeUndefined();
  });
});

describe("nameSources", () => {
  const before = Error.prepareStackTrace;
  afterEach(() => {
    Error.prepareStackTrace = before;
  });

  const site = (text: string): NodeJS.CallSite => ({ toString: () => text }) as NodeJS.CallSite;
  const stackOf = (error: unknown, ...texts: string[]): string =>
    String(Error.prepareStackTrace?.(error as Error, texts.map(site)));

  it("names the sources of bundled lines, and leaves all others alone", () => {
    nameSources("file:///x/dist/bundle/", (file) => (file === "main.js" ? places : undefined));
    const stack = stackOf(
      new TypeError("no"),
      "run (file:///x/dist/bundle/main.js:4:7)",
      "async file:///x/dist/bundle/main.js:9:1",
      "run (file:///x/dist/bundle/main.js:8:7)",
      "run (file:///x/dist/bundle/other.js:4:7)",
      "run (file:///elsewhere/main.js:4:7)",
      "node:internal/main:4:7",
    );
    expect(stack.split("\n")).toEqual([
      "TypeError: no",
      "    at run (file:///x/dist/a.js:11:7)",
      "    at async file:///x/b.js:1:1",
      "    at run (file:///x/dist/bundle/main.js:8:7)",
      "    at run (file:///x/dist/bundle/other.js:4:7)",
      "    at run (file:///elsewhere/main.js:4:7)",
      "    at node:internal/main:4:7",
    ]);
  });

  it("bears objects that are no errors", () => {
    nameSources("file:///x/", () => undefined);
    expect(stackOf(undefined, "a (b.js:1:2)")).toBe("Error\n    at a (b.js:1:2)");
  });

  it("reads each table once", () => {
    let reads = 0;
    nameSources("file:///x/", () => {
      reads += 1;
      return undefined;
    });
    for (let i = 0; i < 3; i++) stackOf(new Error("no"), "run (file:///x/main.js:4:7)");
    expect(reads).toBe(1);
  });
});

describe("readPlaces", () => {
  it("does without a table that is not there", () => {
    expect(readPlaces(`file://${scratchDirectory()}/`, "main.js")).toBeUndefined();
  });
});

describe("the bundled daemon", () => {
  const program = new URL("../../dist/bundle/main.js", import.meta.url).pathname;

  it("names in its log the files it was bundled from, by the right line", () => {
    const words = [program, "--data-dir=/dev/null/nowhere"]; // it says with what it runs, and then cannot
    const { stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
    const records = stderr
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => JSON.parse(line) as { msg: string; caller: string });
    const running = records.find(({ msg }) => msg === "Running: ");
    const [, file = "", line = ""] = /^server\/(.+):(\d+)$/.exec(running?.caller ?? "") ?? [];
    const source = readFileSync(join(fileURLToPath(new URL("../../dist", import.meta.url)), file), "utf8");
    expect(source.split("\n")[Number(line) - 1]).toContain('logger.info("Running: "');
  });
});

describe("package.json", () => {
  const read = (directory: string): Record<string, string> => {
    const text = readFileSync(new URL(`../../../../${directory}/package.json`, import.meta.url), "utf8");
    return (JSON.parse(text) as { dependencies: Record<string, string> }).dependencies;
  };

  it("names the native addons that the bundle leaves out in the versions of those who use them", () => {
    const own = read("apps/server");
    expect(own["better-sqlite3"]).toBe(read("packages/mvcc")["better-sqlite3"]);
    expect(own["better-sqlite3"]).toBe(read("packages/wal")["better-sqlite3"]);
    expect(own["@node-rs/crc32"]).toBe(read("packages/wal")["@node-rs/crc32"]);
  });
});
