/** Length of files and functions, and names of files (style section 7). */
export const fileLinesMax = 400;
export const functionLinesMax = 70;

const vagueNames = new Set(["utils", "util", "helpers", "helper", "misc"]);

export function checkShape({ tree, facts }, report) {
  for (const [file, text] of tree) {
    if (!/\.(ts|mts|cts|tsx|js|mjs|cjs|jsx|svelte|sh|go|py)$/.test(file)) continue;
    const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
    if (lines > fileLinesMax) report(file, fileLinesMax + 1, "file-length", `${lines} lines, at most ${fileLinesMax}`);
    // Go and Python prescribe names of their own (x_test.go, modules that can be imported).
    if (!/\.(go|py)$/.test(file)) checkName(file, report);
  }
  for (const [file, { functions }] of facts) {
    for (const one of functions) {
      if (one.lines <= functionLinesMax || one.isSuite) continue;
      report(file, one.line, "function-length", `${one.name} has ${one.lines} lines, at most ${functionLinesMax}`);
    }
  }
}

function checkName(file, report) {
  const name = file.slice(file.lastIndexOf("/") + 1);
  if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)+$/.test(name)) {
    report(file, 1, "file-name", `${name} is not in kebab-case`);
  }
  const stem = name.slice(0, name.indexOf("."));
  if (vagueNames.has(stem)) report(file, 1, "vague-name", `${name}: a function lives beside the noun it serves`);
}
