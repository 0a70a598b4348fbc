import { join } from "node:path";
import { afterAll, describe, it } from "vitest";
import { judgeCase, listCases, parseHttpCase, readCase, replayHttpCase } from "../../src/index.js";
import { expectations, Tally, testdata } from "./expectations.js";

const names = listCases(testdata, "http");
const fixtures = join(testdata, "http", "fixtures");
const tally = new Tally();
afterAll(() => tally.print("http", names.length));

describe.concurrent("the member answers as recorded", () => {
  for (const name of names) {
    it(name, async () => {
      tally.add(
        await judgeCase(name, expectations, () =>
          replayHttpCase(parseHttpCase(readCase(testdata, name)), { fixtures }),
        ),
      );
    });
  }
});
