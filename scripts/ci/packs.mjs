// Packs each package as it would be published, installs the tarball in an empty project, together with the tarballs of the workspace packages it
// depends on and nothing else of the repository, and compiles and runs its README's example there. Arguments: names of packages, all when absent.
// Ends with "N passed, N failed".
import { execFile, spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { startMember } from "./member.mjs";

const run = promisify(execFile);
const root = join(import.meta.dirname, "../..");
const work = await mkdtemp(join(tmpdir(), "packs-"));
/** An example that serves until it is stopped has done its work when it has said so. */
const lastWords = /^serving$/m;
const exampleMs = 60_000;

/** The workspace's packages: name → directory and manifest. */
async function readPackages() {
  const packages = new Map();
  for (const name of await readdir(join(root, "packages"))) {
    const directory = join(root, "packages", name);
    const manifest = JSON.parse(await readFile(join(directory, "package.json"), "utf8"));
    packages.set(manifest.name, { directory, manifest });
  }
  return packages;
}

/** The package's own name and those of the workspace it needs at run time, each once. */
function closureOf(packages, name, found = new Set()) {
  if (found.has(name)) return found;
  found.add(name);
  const { dependencies = {} } = packages.get(name).manifest;
  for (const dependency of Object.keys(dependencies))
    if (packages.has(dependency)) closureOf(packages, dependency, found);
  return found;
}

async function pack(packages) {
  const tarballs = new Map();
  await mkdir(join(work, "tarballs"));
  for (const [name, { directory }] of packages) {
    const { stdout } = await run("pnpm", ["pack", "--json", "--pack-destination", join(work, "tarballs")], {
      cwd: directory,
    });
    tarballs.set(name, JSON.parse(stdout).filename);
  }
  return tarballs;
}

/** The examples of a README. A package has one, or, where it is a product of its own, several. */
async function examplesOf(directory) {
  const readme = await readFile(join(directory, "README.md"), "utf8");
  const examples = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => match[1]);
  if (examples.length === 0) throw new Error("its README has no example");
  return examples;
}

async function install(packages, tarballs, name) {
  const project = join(work, name.split("/")[1]);
  await mkdir(project);
  const dependencies = Object.fromEntries(
    [...closureOf(packages, name)].map((one) => [one, `file:${tarballs.get(one)}`]),
  );
  const { devDependencies } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  dependencies["@types/node"] = devDependencies["@types/node"];
  await writeFile(
    join(project, "package.json"),
    JSON.stringify({ name: "empty", private: true, type: "module", dependencies }),
  );
  await run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"], { cwd: project });
  return project;
}

/** Compiles the example against the types in the tarballs, with their declaration files checked too. */
async function compile(project, files) {
  const compilerOptions = {
    target: "esnext",
    module: "nodenext",
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noEmit: true,
    types: ["node"],
  };
  await writeFile(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
  await run(join(root, "node_modules/.bin/tsc"), ["-p", "."], { cwd: project });
}

/** @returns what the example printed. @throws when it ends with a failure or does not end. */
function runExample(project, file, environment) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file], { cwd: project, env: { ...process.env, ...environment } });
    let output = "";
    let isServing = false;
    const timer = setTimeout(() => child.kill("SIGKILL"), exampleMs);
    const take = (chunk) => {
      output += chunk;
      if (!lastWords.test(output) || isServing) return;
      isServing = true;
      child.kill();
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      if ((code === 0 || isServing) && output !== "") resolve(output);
      else reject(new Error(`it ended with ${code ?? signal}, having printed: ${output}`));
    });
  });
}

async function check(packages, tarballs, name, environment) {
  const examples = await examplesOf(packages.get(name).directory);
  const project = await install(packages, tarballs, name);
  const files = examples.map((_, index) => `example-${index + 1}.ts`);
  for (const [index, example] of examples.entries()) await writeFile(join(project, `example-${index + 1}.ts`), example);
  await compile(project, files);
  for (const file of files) await runExample(project, file, environment);
  return files.length;
}

const packages = await readPackages();
const wanted = process.argv.slice(2).map((name) => `@quorate/${name}`);
let passed = 0;
let failed = 0;
const member = await startMember();
try {
  const tarballs = await pack(packages);
  for (const name of wanted.length > 0 ? wanted : packages.keys()) {
    try {
      const examples = await check(packages, tarballs, name, { ENDPOINTS: member.endpoint });
      passed += 1;
      console.log(`ok      ${name}: ${examples} of its README run`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED  ${name}: ${error.message}\n${error.stdout ?? ""}${error.stderr ?? ""}`);
    }
  }
} finally {
  await member.stop();
  await rm(work, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
