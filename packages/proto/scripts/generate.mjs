// Makes src/gen/*.ts from proto/**/*.proto. Files that would not change are left alone, so that tsc and caches see nothing new.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { emitDescriptors } from "./generator/emit-descriptors.mjs";
import { emitPackage } from "./generator/emit-package.mjs";
import { readModel } from "./generator/model.mjs";

const root = new URL("..", import.meta.url).pathname;
const out = join(root, "src/gen");

const model = readModel(join(root, "proto"));
const files = new Map(
  [...model.packages.values()].map((one) => [`${one.name.replaceAll(".", "-")}.ts`, emitPackage(one, model)]),
);
files.set("descriptors.ts", emitDescriptors(model));

mkdirSync(out, { recursive: true });
for (const name of readdirSync(out)) if (!files.has(name)) rmSync(join(out, name));
for (const [name, text] of files) if (readIfThere(join(out, name)) !== text) writeFileSync(join(out, name), text);

function readIfThere(path) {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}
