import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Compiles and runs the one ```ts example in a package's README, against the package as it is built.
 * @param readmePath absolute path of the `README.md`, in the package's own directory.
 * @returns what the example printed.
 * @throws when there is not exactly one example, it does not compile in the project's strict settings, or it ends with a failure.
 */
export async function runReadmeExample(readmePath: string): Promise<string> {
  const packageDirectory = dirname(readmePath);
  const readme = readFileSync(readmePath, "utf8");
  const examples = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => match[1] as string);
  if (examples.length !== 1) throw new Error(`${readmePath} has ${examples.length} examples`);
  // In the package's own build output, so that its name and its dependencies' are found, and git does not see it.
  const directory = join(packageDirectory, "dist", "readme");
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "example.ts"), examples[0] as string);
  const root = workspaceRoot(packageDirectory);
  const compilerOptions = { noEmit: true, rootDir: root, typeRoots: [join(root, "node_modules/@types")] };
  const settings = { extends: join(root, "tsconfig.base.json"), compilerOptions, files: ["example.ts"] };
  writeFileSync(join(directory, "tsconfig.json"), JSON.stringify(settings));
  try {
    await run(join(root, "node_modules/.bin/tsc"), ["-p", "tsconfig.json"], { cwd: directory });
    return (await run(process.execPath, ["example.ts"], { cwd: directory })).stdout;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`the example in ${readmePath} failed\n${stdout}${stderr}`, { cause: error });
  }
}

function workspaceRoot(from: string): string {
  for (let at = from; dirname(at) !== at; at = dirname(at)) {
    if (existsSync(join(at, "pnpm-workspace.yaml"))) return at;
  }
  throw new Error(`${from} is not in the workspace`);
}
