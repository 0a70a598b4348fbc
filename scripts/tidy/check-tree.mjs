import { readFacts } from "./facts.mjs";
import { checkCycles } from "./rules/cycles.mjs";
import { checkEdges } from "./rules/edges.mjs";
import { checkForbidden } from "./rules/forbidden.mjs";
import { checkPackages } from "./rules/packages.mjs";
import { checkScripts } from "./rules/scripts.mjs";
import { checkShape } from "./rules/shape.mjs";
import { checkSyntax } from "./rules/syntax.mjs";
import { listWorkspace } from "./workspace.mjs";

const rules = [checkShape, checkSyntax, checkForbidden, checkEdges, checkCycles, checkPackages, checkScripts];

/**
 * All rules over one tree of files.
 * @param {Map<string, string>} tree path to text
 * @returns {{ file: string, line: number, rule: string, text: string }[]} ordered by file, then line
 */
export function checkTree(tree) {
  const facts = new Map();
  for (const [file, text] of tree) {
    if (/\.(ts|mts|cts|tsx|js|mjs|cjs|jsx)$/.test(file)) facts.set(file, readFacts(file, text));
  }
  const context = { tree, facts, packages: listWorkspace(tree) };
  const problems = [];
  const report = (file, line, rule, text) => problems.push({ file, line, rule, text });
  for (const rule of rules) rule(context, report);
  return problems.sort((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1));
}
