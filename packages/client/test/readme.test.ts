import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { FakeMember } from "./fake/fake-member.js";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const fences = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1] ?? "");

/** Each example of the README, and what it prints. */
const examples = [
  { name: "tour", output: [["hello", "bigint"], ["created"], [31]] },
  { name: "reading", output: [[2, 5n, true], ["ABCDE"]] },
  {
    name: "watching",
    output: [
      ["put", "jobs/1", "sweep"],
      ["delete", "jobs/1", ""],
      ["next time, go on after revision", "bigint"],
    ],
  },
  { name: "leases", output: [["with the lock:", true]] },
  { name: "failures", output: [["client/unreachable", "nothing was written"]] },
];

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

describe("the README", () => {
  it("has no example that is not run", () => {
    expect(fences.length).toBe(examples.length);
  });

  for (const [index, { name, output }] of examples.entries()) {
    it(`shows the example "${name}" as it is compiled and run here`, async () => {
      const example = readFileSync(new URL(`./readme/${name}.ts`, import.meta.url), "utf8");
      expect(example).toBe(fences[index]?.replaceAll('"@quorate/client"', '"../../src/index.js"'));
      await using member = await FakeMember.start();
      vi.stubEnv("ENDPOINTS", member.url);
      const log = vi.spyOn(console, "log").mockImplementation(() => {});
      await import(`./readme/${name}.ts`);
      expect(log.mock.calls).toEqual(output);
    });
  }
});
