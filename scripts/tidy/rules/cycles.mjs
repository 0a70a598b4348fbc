import { resolveRelative } from "../workspace.mjs";

/** Files that import each other in a ring, and packages that do. Imports of types count: what knows each other cannot be read apart. */
export function checkCycles({ facts, packages }, report) {
  findRings(filesGraph(facts), (file, ring, line) => {
    const names = ring.map((one) => one.slice(one.lastIndexOf("/") + 1));
    report(file, line, "import-cycle", names.join(" → "));
  });
  findRings(packagesGraph(packages), (directory, ring) => {
    report(`${directory}/package.json`, 1, "package-cycle", ring.join(" → "));
  });
}

/** Packages to those they depend on, tests included: the build follows both. */
function packagesGraph(packages) {
  const byName = new Map([...packages.values()].map(({ name, directory }) => [name, directory]));
  const graph = new Map();
  for (const { directory, manifest } of packages.values()) {
    const names = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
    graph.set(
      directory,
      names.filter((name) => byName.has(name)).map((name) => ({ target: byName.get(name), line: 1 })),
    );
  }
  return graph;
}

function filesGraph(facts) {
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
  return graph;
}

/** @param {(node: string, ring: string[], line: number) => void} found called once for each edge that closes a ring */
function findRings(graph, found) {
  const state = new Map(); // file to "open" or "done"
  const path = [];
  const visit = (file) => {
    state.set(file, "open");
    path.push(file);
    for (const { target, line } of graph.get(file)) {
      if (state.get(target) === "open") {
        found(file, [...path.slice(path.indexOf(target)), target], line);
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
