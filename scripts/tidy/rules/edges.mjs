import { edges, outsideDependencies, testEdges } from "../allowed.mjs";
import { packageDirectoryOf, resolveRelative, splitSpecifier } from "../workspace.mjs";

const scope = "@quorate/";

/** Who imports whom (design.md section 2), from every package.json and every import; and no import past a package's door. */
export function checkEdges({ tree, facts, packages }, report) {
  for (const owner of packages.values()) checkManifest(owner, tree, report);
  for (const [file, fact] of facts) {
    const directory = packageDirectoryOf(file);
    const owner = packages.get(directory);
    for (const one of fact.imports) {
      if (one.specifier.startsWith(".")) checkRelative(file, directory, one, report);
      else if (owner !== undefined) checkImport(file, owner, packages, one, report);
    }
  }
}

function checkManifest(owner, tree, report) {
  const file = `${owner.directory}/package.json`;
  if (!owner.directory.startsWith("tests/") && edges[owner.directory] === undefined) {
    report(file, 1, "package-edge", `${owner.directory} is not in the table of packages`);
    return;
  }
  const { dependencies, peerDependencies, optionalDependencies, devDependencies } = owner.manifest;
  const lineOf = (name) =>
    tree
      .get(file)
      .split("\n")
      .findIndex((line) => line.includes(`"${name}"`)) + 1;
  for (const name of Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies })) {
    const problem = edgeProblem(owner.directory, name, "src");
    if (problem !== undefined) report(file, lineOf(name), "package-edge", problem);
  }
  for (const name of Object.keys(devDependencies ?? {})) {
    const problem = edgeProblem(owner.directory, name, "test");
    if (problem !== undefined) report(file, lineOf(name), "package-edge", problem);
  }
}

/** Why a package may not use a dependency, or undefined. `part` is "src" or "test" (tests, benchmarks and scripts). */
function edgeProblem(directory, name, part) {
  if (directory.startsWith("tests/")) return undefined; // they see everything, nothing sees them
  if (!name.startsWith(scope)) {
    const closed = outsideDependencies[directory];
    const isRefused = part === "src" && closed !== undefined && !closed.includes(name);
    return isRefused
      ? `${directory} may depend on ${closed.join(", ") || "nothing"} from outside, not on ${name}`
      : undefined;
  }
  const target = name.slice(scope.length);
  const allowed = part === "src" ? edges[directory] : [...edges[directory], ...(testEdges[directory] ?? [])];
  return allowed.includes(target) ? undefined : `${directory} may not use ${name}`;
}

function checkImport(file, owner, packages, { specifier, line }, report) {
  const { name, inner } = splitSpecifier(specifier);
  if (specifier.startsWith("node:")) return;
  if (name === "..." || edges[owner.directory] === undefined) {
    if (!owner.directory.startsWith("tests/")) return; // reported once, at its package.json
  }
  // The sources of testkit are test code.
  const isSource = file.startsWith(`${owner.directory}/src/`) && owner.directory !== "packages/testkit";
  const part = isSource ? "src" : "test";
  if (name === owner.name) {
    if (part === "src") report(file, line, "deep-import", "inside the package, import the file that owns the name");
    return;
  }
  if (name.startsWith(scope)) {
    const target = [...packages.values()].find((one) => one.name === name);
    const isDoor = inner === "" || target?.manifest.exports?.[`./${inner}`] !== undefined;
    if (!isDoor) report(file, line, "deep-import", `${specifier}: a package has one door, ${name}`);
  }
  const problem = edgeProblem(owner.directory, name, part);
  if (problem !== undefined) report(file, line, "package-edge", problem);
  if (!isDeclared(owner.manifest, name, part)) {
    report(file, line, "undeclared-dependency", `${name} is not in ${owner.directory}/package.json`);
  }
}

// Tools of the whole workspace, installed at its root.
const rootTools = new Set(["vitest", "fast-check", "typescript", "vite"]);

function isDeclared(manifest, name, part) {
  const { dependencies, peerDependencies, optionalDependencies, devDependencies } = manifest;
  if ({ ...dependencies, ...peerDependencies, ...optionalDependencies }[name] !== undefined) return true;
  return part === "test" && (rootTools.has(name) || devDependencies?.[name] !== undefined);
}

function checkRelative(file, directory, { specifier, line }, report) {
  const target = resolveRelative(file, specifier);
  if (directory !== undefined && !target.startsWith(`${directory}/`)) {
    report(file, line, "deep-import", `${specifier} leaves the package: import it by its name`);
  } else if (directory === undefined && /^(packages|apps|tests)\/[^/]+\/(src|test)\//.test(target)) {
    report(file, line, "deep-import", `${specifier} goes past a package's door`);
  }
}
