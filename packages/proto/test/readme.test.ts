import { readFileSync } from "node:fs";
import { expect, it, vi } from "vitest";

it("the example in the README is the one that is compiled and run here", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const example = readFileSync(new URL("./readme-example.ts", import.meta.url), "utf8");
  const fence = /```ts\n([\s\S]*?)```/.exec(readme)?.[1];
  expect(example).toBe(fence?.replace('"@quorate/proto"', '"../src/index.js"'));

  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  await import("./readme-example.js");
  expect(log.mock.calls).toEqual([
    [7587870152021180417n, false, true],
    [1],
    ["/etcdserverpb.KV/Put", "/v3/kv/put"],
    ['{"key":"bG9jay8x","value":"aGVsZA==","lease":"7587870152021180417"}'],
    [{ code: "proto/malformed", offset: 2, reason: "length beyond the end" }],
  ]);
});
