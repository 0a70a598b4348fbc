import { readFileSync } from "node:fs";
import { expect, it, vi } from "vitest";

it("the example in the README is the one that is compiled and run here", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const example = readFileSync(new URL("./readme-example.ts", import.meta.url), "utf8");
  const fence = /```ts\n([\s\S]*?)```/.exec(readme)?.[1];
  expect(example).toBe(fence?.replace('"@quorate/mvcc"', '"../src/index.js"'));

  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  await import("./readme-example.js");
  expect(log.mock.calls).toEqual([
    ["revision", 2, "changes", 2],
    ["now", 1],
    ["before", 2],
    ["since", "put,put,delete"],
    ["durable", 2],
  ]);
});
