// Checks the house rules that a program can check. Prints every problem as `file:line: rule: text` and ends with 1 if there is one.
import { checkTree } from "./check-tree.mjs";
import { readTree } from "./read-tree.mjs";

const root = process.argv[2] ?? new URL("../..", import.meta.url).pathname;
const started = performance.now();
const tree = readTree(root);
const problems = checkTree(tree);
for (const problem of problems) console.log(`${problem.file}:${problem.line}: ${problem.rule}: ${problem.text}`);
const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.log(`tidy: ${tree.size} files, ${problems.length} problems, ${seconds} s`);
process.exitCode = problems.length === 0 ? 0 : 1;
