import { join } from "node:path";
import { afterAll, describe, it } from "vitest";
import { judgeCase, listCases, parseCtlCase, readCase, replayCtlCase } from "../../src/index.js";
import { expectations, Tally, testdata } from "./expectations.js";

const names = listCases(testdata, "ctl");
const fixtures = join(testdata, "http", "fixtures");
const tally = new Tally();
afterAll(() => tally.print("ctl", names.length));

describe.concurrent("the command line does as recorded", () => {
  for (const name of names) {
    it(name, async () => {
      tally.add(
        await judgeCase(name, expectations, () => replayCtlCase(parseCtlCase(readCase(testdata, name)), { fixtures })),
      );
    });
  }
});
