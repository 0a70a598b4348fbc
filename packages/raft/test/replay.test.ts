import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { replayFolder } from "./replay/replay-folder.js";
import { countDirectives, replay } from "./replay/run-file.js";
import { parseScript } from "./replay/script.js";

const root = new URL("testdata/", import.meta.url);

describe("etcd's data-driven tests of Raft", () => {
  for (const suite of ["quorum", "confchange", "interaction"]) {
    for (const name of readdirSync(new URL(`${suite}/`, root)).sort()) {
      it(`replays ${suite}/${name}`, () => {
        const text = readFileSync(new URL(`${suite}/${name}`, root), "utf8");
        expect(countDirectives(text)).toBeGreaterThan(0);
        const difference = replay(text);
        expect(difference?.actual, `line ${difference?.directive.line}`).toBe(difference?.expected);
      });
    }
  }
});

describe("replayFolder", () => {
  it("names each file with ok or its first difference", () => {
    const folder = mkdtempSync(join(tmpdir(), "raft-replay-"));
    try {
      writeFileSync(join(folder, "good.txt"), "vote cfg=(1) votes=(y)\n----\nVoteWon\n");
      writeFileSync(join(folder, "bad.txt"), "# wrong\nvote cfg=(1) votes=(n)\n----\nVoteWon\n");
      const lines: string[] = [];
      expect(replayFolder("/", folder, (line) => lines.push(line))).toBe(false);
      expect(lines).toEqual([
        "bad.txt differs at line 2: vote\n--- expected\nVoteWon\n--- actual\nVoteLost\n",
        "good.txt ok",
      ]);
      rmSync(join(folder, "bad.txt"));
      expect(replayFolder("/", folder, () => {})).toBe(true);
      rmSync(join(folder, "good.txt"));
      expect(replayFolder("/", folder, () => {})).toBe(false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("leaves log lines of the core out of the comparison", () => {
    const text = "add-nodes 1 voters=(1) index=3\n----\nINFO 1 anything\n\ncampaign 2\n----\nunknown node 2\n";
    expect(replay(text)).toBeUndefined();
    expect(replay(text.replace("INFO", "NOTE"))?.actual).toBe("ok\n");
  });
});

describe("parseScript", () => {
  it("reads arguments, input and both forms of answers", () => {
    const text =
      "# c\nrun a=(1, 2,3) b= c=x d\nline 1\n\nline 2\n----\n----\none\n\n----\ntwo\n----\n----\n\nnext\n----\nok\n";
    expect(parseScript(text)).toEqual([
      {
        line: 2,
        command: "run",
        args: [
          { key: "a", values: ["1", "2", "3"] },
          { key: "b", values: [""] },
          { key: "c", values: ["x"] },
          { key: "d", values: [] },
        ],
        input: "line 1\n\nline 2",
        expected: "one\n\n----\ntwo\n",
      },
      { line: 15, command: "next", args: [], input: "", expected: "ok\n" },
    ]);
  });
});
