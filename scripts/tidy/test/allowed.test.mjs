import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { edges, exceptions, testEdges } from "../allowed.mjs";
import { readTree } from "../read-tree.mjs";

describe("edges", () => {
  it("has no ring and names only packages of the table", () => {
    const reach = (directory, path) => {
      assert.ok(!path.includes(directory), `ring: ${[...path, directory].join(" → ")}`);
      for (const name of edges[directory]) reach(`packages/${name}`, [...path, directory]);
    };
    for (const directory of Object.keys(edges)) reach(directory, []);
    for (const directory of Object.keys(testEdges)) assert.ok(edges[directory], directory);
  });

  it("keeps the six packages in the middle apart", () => {
    const middle = ["wal", "raft", "mvcc", "lease", "auth", "transport"];
    for (const name of middle)
      assert.deepEqual(
        edges[`packages/${name}`].filter((one) => middle.includes(one)),
        [],
      );
  });
});

describe("exceptions", () => {
  it("give a reason each", () => {
    for (const one of exceptions) assert.ok(one.reason.length > 20, one.where);
  });
});

describe("main", () => {
  it("prints file:line: rule: text, leaves out what nobody wrote by hand, and ends with 1", () => {
    const root = mkdtempSync(join(tmpdir(), "tidy-"));
    try {
      const write = (path) => {
        mkdirSync(dirname(join(root, path)), { recursive: true });
        writeFileSync(join(root, path), "export default 1;\n");
      };
      for (const folder of ["src/gen", "node_modules/x", "dist", "testdata", "test/fixtures", "src"])
        write(`tests/x/${folder}/a.ts`);
      write("elsewhere/a.ts");
      assert.deepEqual([...readTree(root).keys()], ["tests/x/src/a.ts"]);
      const main = new URL("../main.mjs", import.meta.url).pathname;
      const run = spawnSync(process.execPath, [main, root], { encoding: "utf8" });
      assert.match(run.stdout, /^tests\/x\/src\/a\.ts:1: default-export: export by name\ntidy: 1 files, 1 problems, /);
      assert.equal(run.status, 1);
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});
