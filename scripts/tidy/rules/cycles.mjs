import { resolveRelative } from "../workspace.mjs";

/** Files that import each other in a ring. Imports of types count: what knows each other cannot be read apart. */
export function checkCycles({ facts }, report) {
  const graph = new Map();
  for (const [file, fact] of facts) {
    const targets = [];
    for (const { specifier, line } of fact.imports) {
      if (!specifier.startsWith(".")) continue;
      const target = sourceOf(resolveRelative(file, specifier), facts);
      if (target !== undefined) targets.push({ target, line });
    }
    graph.set(file, targets);
  }
  const state = new Map(); // file to "open" or "done"
  const path = [];
  const visit = (file) => {
    state.set(file, "open");
    path.push(file);
    for (const { target, line } of graph.get(file)) {
      if (state.get(target) === "open") {
        const ring = [...path.slice(path.indexOf(target)), target].map((one) => one.slice(one.lastIndexOf("/") + 1));
        report(file, line, "import-cycle", ring.join(" → "));
      } else if (state.get(target) === undefined) {
        visit(target);
      }
    }
    path.pop();
    state.set(file, "done");
  };
  for (const file of graph.keys()) if (state.get(file) === undefined) visit(file);
}

function sourceOf(path, facts) {
  const stem = path.replace(/\.(m?)js$/, ".$1ts");
  return [path, stem, `${path}.ts`].find((one) => facts.has(one));
}
