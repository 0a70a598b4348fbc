/**
 * The packages of the tree, by directory.
 * @param {Map<string, string>} tree
 * @returns {Map<string, { directory: string, name: string, manifest: object }>} e.g. "packages/raft" to its package.json
 */
export function listWorkspace(tree) {
  const packages = new Map();
  for (const [file, text] of tree) {
    const match = /^((?:packages|apps|tests)\/[^/]+)\/package\.json$/.exec(file);
    if (match === null) continue;
    const manifest = JSON.parse(text);
    packages.set(match[1], { directory: match[1], name: manifest.name ?? "", manifest });
  }
  return packages;
}

/** The directory of the package that owns a file ("packages/raft"), or undefined for files outside all packages. */
export function packageDirectoryOf(file) {
  return /^(?:packages|apps|tests)\/[^/]+(?=\/)/.exec(file)?.[0];
}

/** "@quorate/raft/x" is split into the package and the way into it; "node:fs" and "vitest" have no way. */
export function splitSpecifier(specifier) {
  const parts = specifier.split("/");
  const length = specifier.startsWith("@") ? 2 : 1;
  return { name: parts.slice(0, length).join("/"), inner: parts.slice(length).join("/") };
}

/** Where a relative import points: "packages/raft/src/a.ts" and "../b.js" give "packages/raft/b.js". */
export function resolveRelative(file, specifier) {
  const parts = file.split("/").slice(0, -1);
  for (const part of specifier.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  return parts.join("/");
}
