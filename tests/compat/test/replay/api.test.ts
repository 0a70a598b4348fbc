import { afterAll, describe, it } from "vitest";
import { judgeCase, listCases, parseApiCase, productSchema, readCase, replayApiCase } from "../../src/index.js";
import { expectations, Tally, testdata } from "./expectations.js";

const names = [...listCases(testdata, "own"), ...listCases(testdata, "api")];
const tally = new Tally();
afterAll(() => tally.print("api", names.length));

describe.concurrent("the member answers as recorded", () => {
  for (const name of names) {
    it(name, async () => {
      const schema = productSchema();
      tally.add(
        await judgeCase(name, expectations, () => replayApiCase(parseApiCase(readCase(testdata, name)), schema)),
      );
    });
  }
});
