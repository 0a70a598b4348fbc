import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** How to run a client's driver, or why that is not possible on this machine. */
export type Preparation =
  | { readonly kind: "ready"; readonly command: readonly string[] }
  | { readonly kind: "missing"; readonly reason: string };

/** One client: its name, and what has to happen before its driver can run. @throws when its tools are there but fail */
export type ClientDriver = { readonly name: string; prepare(): Preparation };

const root = fileURLToPath(new URL("../../", import.meta.url));
const driver = (name: string) => [process.execPath, join(root, "dist/clients", name)];

/** Whether a program of that name is on the path. */
export function isInstalled(program: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
}

function mustRun(program: string, words: readonly string[], directory: string): void {
  const { status, stderr, stdout, error } = spawnSync(program, words, {
    cwd: directory,
    encoding: "utf8",
    timeout: 600_000,
  });
  if (status !== 0) throw new Error(`${program} ${words.join(" ")}: ${error?.message ?? ""}\n${stdout}\n${stderr}`);
}

function prepareGo(): Preparation {
  if (!isInstalled("go")) return { kind: "missing", reason: "go is not installed" };
  const program = join(root, ".go/driver");
  mustRun("go", ["build", "-o", program, "."], join(root, "go"));
  return { kind: "ready", command: [program] };
}

function preparePython(): Preparation {
  if (!isInstalled("python3")) return { kind: "missing", reason: "python3 is not installed" };
  const environment = join(root, ".venv");
  const python = join(environment, "bin/python");
  if (!existsSync(python)) mustRun("python3", ["-m", "venv", environment], root);
  mustRun(
    python,
    ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", "python/requirements.txt"],
    root,
  );
  return { kind: "ready", command: [python, join(root, "python/driver.py")] };
}

/** The clients that run the shared script. */
export const clientDrivers: readonly ClientDriver[] = [
  {
    name: "etcdctl",
    prepare: () =>
      isInstalled("etcdctl")
        ? { kind: "ready", command: driver("etcdctl-driver.js") }
        : { kind: "missing", reason: "etcdctl is not installed" },
  },
  { name: "etcd3", prepare: () => ({ kind: "ready", command: driver("etcd3-driver.js") }) },
  { name: "go", prepare: prepareGo },
  { name: "python", prepare: preparePython },
];
