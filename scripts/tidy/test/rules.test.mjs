import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkTree } from "../check-tree.mjs";
import { buildTree } from "./tree.mjs";

const lines = (count, text = "// line") => `${Array(count).fill(text).join("\n")}\n`;
const raft = (text) => ({ "packages/raft/src/a.ts": text });
const manifest = (name, dependencies) =>
  `{\n  "name": "@quorate/${name}",\n  "dependencies": {\n${dependencies
    .map((one) => `    "${one}": "1.0.0"`)
    .join(",\n")}\n  }\n}\n`;

// Each row: what is wrong, the files, and the exact problems `file:line: rule`.
const bad = [
  ["a file of 401 lines", raft(lines(401)), ["packages/raft/src/a.ts:401: file-length"]],
  ["a long shell script", { "scripts/x.sh": lines(401, "# x") }, ["scripts/x.sh:401: file-length"]],
  ["a function of 71 lines", raft(`\nfunction f() {\n${lines(69)}}\n`), ["packages/raft/src/a.ts:2: function-length"]],
  ["an arrow of 71 lines", raft(`const f = () => {\n${lines(69)}};\n`), ["packages/raft/src/a.ts:1: function-length"]],
  [
    "a method of 71 lines",
    raft(`class A {\n  m(): void {\n${lines(69)}  }\n}\n`),
    ["packages/raft/src/a.ts:2: function-length"],
  ],
  [
    "a test of 71 lines",
    { "packages/raft/test/a.test.ts": `it("x", () => {\n${lines(69)}});\n` },
    ["packages/raft/test/a.test.ts:1: function-length"],
  ],
  ["CamelCase in a name", { "packages/raft/src/logIndex.ts": "" }, ["packages/raft/src/logIndex.ts:1: file-name"]],
  ["snake_case in a name", { "packages/raft/src/log_index.ts": "" }, ["packages/raft/src/log_index.ts:1: file-name"]],
  ["a file without a subject", { "packages/raft/src/utils.ts": "" }, ["packages/raft/src/utils.ts:1: vague-name"]],
  ["a default export", raft("\nexport default 1;\n"), ["packages/raft/src/a.ts:2: default-export"]],
  [
    "a renamed default export",
    raft("const a = 1;\nexport { a as default };\n"),
    ["packages/raft/src/a.ts:2: default-export"],
  ],
  ["an enum", raft("export enum A { B }\n"), ["packages/raft/src/a.ts:1: enum"]],
  [
    "any",
    raft("export const a: any = 1;\nexport const b = 1 as any;\n"),
    ["packages/raft/src/a.ts:1: any", "packages/raft/src/a.ts:2: any"],
  ],
  [
    "export *",
    { "packages/raft/src/index.ts": 'export * from "./b.js";\n' },
    ["packages/raft/src/index.ts:1: export-star"],
  ],
  ["a syntax error", raft("const = 1;\n"), ["packages/raft/src/a.ts:1: syntax"]],
  ["a TODO without an issue", raft("// TODO tidy up\n"), ["packages/raft/src/a.ts:1: todo"]],
  [
    "an import past another package's door",
    {
      "packages/wal/package.json": manifest("wal", ["@quorate/common"]),
      "packages/wal/src/a.ts": 'import { b } from "@quorate/common/dist/b.js";\n',
    },
    ["packages/wal/src/a.ts:1: deep-import"],
  ],
  [
    "a relative import out of the package",
    { "packages/wal/src/a.ts": 'import { b } from "../../common/src/b.js";\n' },
    ["packages/wal/src/a.ts:1: deep-import"],
  ],
  [
    "the package's own door from inside",
    { "packages/wal/src/a.ts": 'import { b } from "@quorate/wal";\n' },
    ["packages/wal/src/a.ts:1: deep-import"],
  ],
  [
    "a script that goes past a door",
    { "bench/a.mjs": 'import "../packages/wal/src/a.js";\n' },
    ["bench/a.mjs:1: deep-import"],
  ],
  [
    "a ring of imports",
    {
      "packages/wal/src/a.ts": 'import "./b.js";\n',
      "packages/wal/src/b.ts": '\nimport type { C } from "./c.js";\n',
      "packages/wal/src/c.ts": 'export { a } from "./a.js";\n',
    },
    ["packages/wal/src/c.ts:1: import-cycle"],
  ],
  [
    "a ring of packages, closed by a test's dependency",
    {
      "packages/wal/package.json": '{ "name": "@quorate/wal", "devDependencies": { "@quorate/testkit": "1" } }',
      "packages/testkit/package.json": '{ "name": "@quorate/testkit", "dependencies": { "@quorate/wal": "1" } }',
    },
    ["packages/wal/package.json:1: package-cycle"],
  ],
  ["a ring of one", { "packages/wal/src/a.ts": 'import "./a.js";\n' }, ["packages/wal/src/a.ts:1: import-cycle"]],
  [
    "an edge that the table does not have",
    {
      "packages/raft/package.json": manifest("raft", ["@quorate/wal"]),
      "packages/raft/src/a.ts": 'import { b } from "@quorate/wal";\n',
    },
    ["packages/raft/package.json:4: package-edge", "packages/raft/src/a.ts:1: package-edge"],
  ],
  [
    "such an edge in tests",
    { "packages/wal/package.json": '{ "name": "@quorate/wal", "devDependencies": { "@quorate/mvcc": "1" } }' },
    ["packages/wal/package.json:1: package-edge"],
  ],
  [
    "such an edge by a dynamic import, or in a type",
    { "packages/wal/src/a.ts": 'await import("@quorate/raft");\nexport type B = import("@quorate/lease").B;\n' },
    [
      "packages/wal/src/a.ts:1: package-edge",
      "packages/wal/src/a.ts:1: undeclared-dependency",
      "packages/wal/src/a.ts:2: package-edge",
      "packages/wal/src/a.ts:2: undeclared-dependency",
    ],
  ],
  [
    "a core with a dependency from outside",
    { "packages/lease/package.json": manifest("lease", ["lodash"]) },
    ["packages/lease/package.json:4: package-edge"],
  ],
  [
    "a package that no table knows",
    { "packages/extra/package.json": '{ "name": "@quorate/extra" }' },
    ["packages/extra/package.json:1: package-edge"],
  ],
  [
    "a dependency that is not declared",
    { "packages/wal/src/a.ts": 'import { b } from "@quorate/common";\n' },
    ["packages/wal/src/a.ts:1: undeclared-dependency"],
  ],
  [
    "a dependency that only tests declare",
    {
      "packages/wal/package.json": '{ "name": "@quorate/wal", "devDependencies": { "lodash": "1" } }',
      "packages/wal/src/a.ts": 'import "lodash";\n',
    },
    ["packages/wal/src/a.ts:1: undeclared-dependency"],
  ],
  ["Date", raft("export const a = Date.now();\n"), ["packages/raft/src/a.ts:1: forbidden-global"]],
  [
    "new Date",
    { "packages/auth/src/a.ts": "export const a = new Date();\n" },
    ["packages/auth/src/a.ts:1: forbidden-global"],
  ],
  [
    "Math.random",
    { "packages/lease/src/a.ts": "export const a = Math.random();\n" },
    ["packages/lease/src/a.ts:1: forbidden-global"],
  ],
  [
    "timers",
    { "packages/mvcc/src/a.ts": "setTimeout(f, 1);\nsetInterval(f, 1);\nsetImmediate(f);\n" },
    [1, 2, 3].map((n) => `packages/mvcc/src/a.ts:${n}: forbidden-global`),
  ],
  ["process", raft("export const a = process.env;\n"), ["packages/raft/src/a.ts:1: forbidden-global"]],
  [
    "a global by another way",
    raft('export const a = globalThis["Date"];\n'),
    ["packages/raft/src/a.ts:1: forbidden-global"],
  ],
  ["node:fs", raft('import { readFileSync } from "node:fs";\n'), ["packages/raft/src/a.ts:1: forbidden-module"]],
  [
    "fs without node:",
    { "packages/lease/src/a.ts": 'import { readFileSync } from "fs";\n' },
    [
      "packages/lease/src/a.ts:1: forbidden-module",
      "packages/lease/src/a.ts:1: undeclared-dependency",
      "packages/lease/src/a.ts:1: package-edge",
    ],
  ],
  [
    "node:net",
    { "packages/auth/src/a.ts": 'import { connect } from "node:net";\n' },
    ["packages/auth/src/a.ts:1: forbidden-module"],
  ],
  [
    "worker threads outside mvcc",
    raft('import { Worker } from "node:worker_threads";\n'),
    ["packages/raft/src/a.ts:1: forbidden-module"],
  ],
  [
    "node:fs in mvcc",
    { "packages/mvcc/src/a.ts": 'import { readFileSync } from "node:fs";\n' },
    ["packages/mvcc/src/a.ts:1: forbidden-module"],
  ],
  [
    "a script that nothing reads",
    { "packages/raft/test/scripts/election.txt": "" },
    ["packages/raft/test/scripts/election.txt:1: unread-script"],
  ],
  [
    "a script in a folder below the one that is read",
    { "packages/raft/test/scripts/deep/election.txt": "", "packages/raft/test/a.test.ts": 'run("./scripts/");\n' },
    ["packages/raft/test/scripts/deep/election.txt:1: unread-script"],
  ],
  [
    "a script that the runner of its folder does not look at",
    { "packages/raft/test/scripts/election.text": "", "packages/raft/test/a.test.ts": 'run("./scripts/");\n' },
    ["packages/raft/test/scripts/election.text:1: unread-script"],
  ],
  [
    "it.only",
    { "packages/raft/test/a.test.ts": 'it.only("x", f);\n' },
    ["packages/raft/test/a.test.ts:1: focused-test"],
  ],
  [
    "describe.only.each",
    { "packages/raft/test/a.test.ts": 'describe.only.each([1])("x", f);\n' },
    ["packages/raft/test/a.test.ts:1: focused-test"],
  ],
  [
    "it.skip without a reason",
    { "packages/raft/test/a.test.ts": '\nit.skip("x", f);\n' },
    ["packages/raft/test/a.test.ts:2: skipped-test"],
  ],
  [
    "describe.skipIf without a reason",
    { "packages/raft/test/a.test.ts": 'describe.skipIf(true)("x", f);\n' },
    ["packages/raft/test/a.test.ts:1: skipped-test"],
  ],
  [
    "a package without a README",
    { "packages/raft/README.md": undefined, "packages/raft/src/a.ts": "" },
    ["packages/raft/package.json:1: package-readme"],
  ],
  [
    "a README without an example",
    { "packages/raft/README.md": "# Raft\n" },
    ["packages/raft/README.md:1: readme-example"],
  ],
  [
    "an example that no test compiles",
    { "packages/raft/test/readme.test.ts": "", "packages/raft/src/a.ts": "" },
    ["packages/raft/README.md:3: readme-example"],
  ],
];

const good = [
  ["a file of 400 lines with a function of 70", raft(`function f() {\n${lines(68)}}\n${lines(330)}`)],
  ["a suite of 71 lines", { "packages/raft/test/a.test.ts": `describe("x", () => {\n${lines(69)}});\n` }],
  ["a default export of a config file", { "packages/raft/vitest.config.ts": "export default {};\n" }],
  [
    "the table's edges",
    {
      "packages/wal/package.json": manifest("wal", ["@quorate/common"]),
      "packages/wal/src/a.ts": 'import { b } from "@quorate/common";\n',
    },
  ],
  [
    "the package's own door from its tests",
    { "packages/wal/test/a.test.ts": 'import { b } from "@quorate/wal";\nimport { it } from "vitest";\n' },
  ],
  [
    "another door that the package has",
    {
      "tests/x/package.json": '{ "name": "x", "dependencies": { "@quorate/wal": "1" } }',
      "packages/wal/package.json": '{ "name": "@quorate/wal", "exports": { "./worker": "./w.js" } }',
      "tests/x/src/a.ts": 'import "@quorate/wal/worker";\n',
    },
  ],
  [
    "files that share an import",
    {
      "packages/wal/src/a.ts": 'import "./b.js";\nimport "./c.js";\n',
      "packages/wal/src/b.ts": 'import "./c.js";\n',
      "packages/wal/src/c.ts": "",
    },
  ],
  [
    "names that only look like globals",
    raft(
      "export const a = (b: { Date: number; process(): void }) => b.Date + Math.max(1, 2);\nexport function f(process: () => void) { process(); }\n",
    ),
  ],
  ["Date where the world begins", { "apps/server/src/a.ts": "export const a = Date.now();\n" }],
  ["tests of a core that read files", { "packages/raft/test/a.test.ts": 'import { readFileSync } from "node:fs";\n' }],
  ["worker threads in mvcc", { "packages/mvcc/src/a.ts": 'import { Worker } from "node:worker_threads";\n' }],
  [
    "scripts whose folder is read",
    {
      "packages/raft/test/scripts/a.txt": "",
      "packages/raft/test/a.test.ts": 'run(new URL("./scripts/", import.meta.url));\n',
    },
  ],
  [
    "scripts of a named folder",
    { "packages/raft/test/scripts/deep/a.txt": "", "packages/raft/test/a.test.ts": 'run("scripts/deep");\n' },
  ],
  [
    "a skipped test with its reason",
    { "packages/raft/test/a.test.ts": '// Needs a disk that can be filled.\nit.skip("x", f);\n' },
  ],
  ["a TODO with an issue", raft("// TODO #12 read it in slices\n")],
];

describe("checkTree", () => {
  for (const [title, files, expected] of bad) {
    it(`reports ${title}`, () => {
      const found = checkTree(buildTree(files)).map(({ file, line, rule }) => `${file}:${line}: ${rule}`);
      assert.deepEqual(found.sort(), [...expected].sort());
    });
  }

  it("says what is wrong and by how much", () => {
    const [problem] = checkTree(buildTree(raft(`function commit() {\n${lines(70)}}\n`)));
    assert.equal(problem.text, "commit has 72 lines, at most 70");
  });

  for (const [title, files] of good) {
    it(`allows ${title}`, () => assert.deepEqual(checkTree(buildTree(files)), []));
  }
});
