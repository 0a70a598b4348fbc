// Makes the files that bin/quorate starts: the daemon and its threads, each with everything it needs, so that a start has a few files to find
// and read instead of some hundred (docs/decisions/0014-bundled-daemon.md).
import { readFileSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { placesOf } from "./places-of.mjs";

const beside = (name, file) => fileURLToPath(new URL(file, import.meta.resolve(name)));
const root = fileURLToPath(new URL("..", import.meta.url));
const directory = `${root}dist/bundle`;
const first = "bundled";

const bundle = await rolldown({
  input: {
    [first]: `${root}dist/process/bundled.js`,
    main: `${root}dist/main.js`,
    // A thread is found beside the file that starts it, so all of them lie in one directory under the names that their packages give them.
    "log-thread": beside("@quorate/wal", "./log-thread.js"),
    worker: beside("@quorate/mvcc", "./body/worker.js"),
    "copy-worker": beside("@quorate/mvcc", "./body/copy-worker.js"),
  },
  platform: "node",
  // Compiled code stays where its package manager has put it; so does the exporter of traces, which requires its gRPC library by name.
  external: [/^better-sqlite3$/, /^@node-rs\//, /^@opentelemetry\/exporter-/],
});
const { output } = await bundle.write({
  dir: directory,
  format: "esm",
  entryFileNames: "[name].js",
  chunkFileNames: "[name]-[hash].js",
  banner: (chunk) => (chunk.isEntry && chunk.name !== first ? `import "./${first}.js";` : ""),
  sourcemap: true,
  cleanDir: true,
});
await bundle.close();

// What stays outside is looked for from here when the daemon runs.
const { dependencies } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
const own = new Set(output.map(({ fileName }) => fileName));
for (const name of new Set(
  output.flatMap(({ imports, dynamicImports }) => [...(imports ?? []), ...(dynamicImports ?? [])]),
)) {
  if (own.has(name) || isBuiltin(name) || dependencies[name] !== undefined) continue;
  throw new Error(`${name} stays outside of the bundle, so apps/server/package.json has to name it`);
}
for (const { fileName, map, code } of output) {
  if (map) writeFileSync(`${directory}/${fileName}.places.json`, JSON.stringify(placesOf(code, map)));
}
