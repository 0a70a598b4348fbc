import { describe, expect, it } from "vitest";
import { answer, runScripts, type ScriptRunner } from "../src/index.js";

function counter(): ScriptRunner {
  let sum = 0;
  return {
    execute: (line) => {
      const [command, amount] = line.split(" ");
      if (command === "show") return `the counter\nis ${sum}`;
      if (command === "quiet") return "";
      if (command === "gap") return "one\n\ntwo";
      sum += Number(amount);
      return String(sum);
    },
  };
}

describe("runScripts", () => {
  runScripts(new URL("scripts", import.meta.url).pathname, counter);
  it("refuses a directory without scripts", () => {
    expect(() => runScripts(new URL(".", import.meta.url).pathname, counter)).toThrow("no scripts");
  });
});

describe("answer", () => {
  it("writes the answers it got, keeps comments, and tidies the rest", async () => {
    const text = "# why\nadd 1\n----\nwrong\n\n\n# only words\n\nadd 1\n";
    expect(await answer(text, counter())).toBe("# why\nadd 1\n----\n1\n\n# only words\n\nadd 1\n----\n2\n");
  });

  it("refuses an answer that could not be read back, and closes the runner", async () => {
    let isClosed = false;
    const close = (): void => {
      isClosed = true;
    };
    const runner: ScriptRunner = { ...counter(), close };
    await expect(answer("gap", runner)).rejects.toThrow("empty line");
    expect(isClosed).toBe(true);
  });
});
