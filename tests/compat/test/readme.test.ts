import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, expect, it, vi } from "vitest";
import { survivesKill } from "./readme-example.js";

afterEach(() => vi.unstubAllEnvs());

it("the example in the README is the one that is compiled and run here", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const example = readFileSync(new URL("readme-example.ts", import.meta.url), "utf8");
  const shown = /```ts\n([\s\S]*?)```/.exec(readme)?.[1];
  expect(shown).toBe(example.replace("../src/index.js", "@quorate/tests-compat"));
  vi.stubEnv("QUORATE_BINARY", fileURLToPath(new URL("fixtures/fake-member.mjs", import.meta.url)));
  expect(await survivesKill()).toBe(true);
});
