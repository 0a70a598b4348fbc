import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Plan, runPlan } from "../src/index.js";

const directory = join(import.meta.dirname, "../testdata");

/** Plans that showed a mistake once, as a search had shortened them. */
describe("what the simulation has found", () => {
  for (const file of readdirSync(directory).sort()) {
    it(file.replaceAll("-", " ").replace(".json", ""), async () => {
      const plan = JSON.parse(readFileSync(join(directory, file), "utf8")) as Plan;
      const { failure } = await runPlan(plan);
      expect(failure?.text).toBeUndefined();
    });
  }
});
