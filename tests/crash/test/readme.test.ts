import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { judge } from "./readme-example.js";

it("the example in the README is the one that is compiled and run here", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const example = readFileSync(new URL("readme-example.ts", import.meta.url), "utf8");
  expect(/```ts\n([\s\S]*?)```/.exec(readme)?.[1]).toBe(example.replace("../src/index.js", "@quorate/tests-crash"));
  expect(judge()).toEqual(["the revision went back from 2 to 1", "lost: revision 2 was acknowledged for a=1"]);
});
