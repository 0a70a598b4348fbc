import { readFileSync } from "node:fs";
import { expect, it, vi } from "vitest";

it("the example in the README is the one that is compiled and run here", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const example = readFileSync(new URL("./readme-example.ts", import.meta.url), "utf8");
  const fence = /```ts\n([\s\S]*?)```/.exec(readme)?.[1];
  expect(example).toBe(fence?.replace('"@quorate/telemetry"', '"../src/index.js"'));

  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  await import("./readme-example.js");
  const [[line], [isCounted]] = log.mock.calls as [[string], [boolean]];
  expect(JSON.parse(line)).toMatchObject({
    level: "info",
    msg: "ready to serve client requests",
    address: "127.0.0.1:2379",
  });
  expect(isCounted).toBe(true);
});
