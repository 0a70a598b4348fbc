import { accessSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { LogLine } from "../config/log-line.js";
import { bootstrapFailed, fatal, panic, type StartFailure } from "./start-failure.js";
import { codeOf, reasonOf } from "./system-error.js";

const privateMode = 0o700;
const fileMode = 0o600;

/** What is in a data directory. */
export type DataDirectory = Readonly<{ kind: "directory"; isEmpty: boolean; lines: readonly LogLine[] }>;

/** The directories of a member, absolute or relative as they were given. */
export type Directories = Readonly<{ data: string; member: string; snapshots: string; log: string; database: string }>;

/** Where a member keeps its things. @param walDir the log's own directory; undefined: beside the database. */
export function directoriesOf(dataDir: string, walDir: string | undefined): Directories {
  const member = join(dataDir, "member");
  const snapshots = join(member, "snap");
  return { data: dataDir, member, snapshots, log: walDir ?? join(member, "wal"), database: join(snapshots, "db") };
}

/** Looks at what is in a data directory, and refuses the directories of former programs. One that does not exist is empty. */
export function identifyDataDirectory(path: string): DataDirectory | StartFailure {
  let names: readonly string[];
  try {
    names = readdirSync(path).sort();
  } catch (error) {
    if (codeOf(error) === "ENOENT") return begin(path, true, []);
    const operation = codeOf(error) === "ENOTDIR" ? "readdirent" : "open";
    return fatal("failed to list data directory", { dir: path, error: `${operation} ${path}: ${reasonOf(error)}` });
  }
  const lines: LogLine[] = names
    .filter((name) => name !== "member" && name !== "proxy")
    .map((name) => {
      const fields = { filename: name, "data-dir": path };
      return { level: "warn", message: "found invalid file under data directory", fields };
    });
  const isMember = names.includes("member");
  if (!names.includes("proxy")) return begin(path, !isMember, lines);
  if (isMember) return fatal("invalid datadir; both member and proxy directories exist", undefined, lines);
  return panic("v2 http proxy has already been deprecated in 3.6", { "dir-type": "proxy" }, lines);
}

function begin(path: string, isEmpty: boolean, before: readonly LogLine[]): DataDirectory {
  const message = isEmpty ? "Initialize and start etcd server" : "server has already been initialized";
  const line: LogLine = {
    level: "info",
    message,
    fields: { "data-dir": path, "dir-type": isEmpty ? "empty" : "member" },
  };
  return { kind: "directory", isEmpty, lines: [...before, line] };
}

/** Makes the directories that are missing, and tries to write into them. @returns warnings, or why the start cannot go on. */
export function prepareDirectories(directories: Directories): readonly LogLine[] | StartFailure {
  const lines: LogLine[] = [];
  const wanted = [
    [directories.data, "cannot access data directory"],
    [directories.member, "cannot access member directory"],
    [directories.snapshots, "failed to create snapshot directory"],
  ] as const;
  for (const [path, what] of wanted) {
    const result = touchDirectory(path);
    lines.push(...result.lines);
    if (result.error !== undefined) return bootstrapFailed(`${what}: ${result.error}`, lines);
  }
  const log = touchDirectory(directories.log);
  lines.push(...log.lines);
  return log.error === undefined ? lines : logDirectoryFailed(directories.log, log.error, lines);
}

function logDirectoryFailed(path: string, error: string, before: readonly LogLine[]): StartFailure {
  const fields = { "tmp-dir-path": `${path}.tmp`, "dir-path": path, error };
  const line: LogLine = { level: "warn", message: "failed to create a temporary WAL directory", fields };
  return panic("failed to create WAL", { error }, [...before, line]);
}

/** True when the directory holds a log: then the settings that found a cluster no longer count. */
export function hasLog(path: string): boolean {
  try {
    return readdirSync(path).some((name) => name.endsWith(".wal"));
  } catch {
    return false; // it is not there, or cannot be read, which preparing it will tell
  }
}

function touchDirectory(path: string): { lines: readonly LogLine[]; error: string | undefined } {
  const lines: LogLine[] = [];
  try {
    if (existsSync(path)) lines.push(...permissionLines(path));
    else makeDirectories(path);
    const probe = join(path, ".touch");
    attempt(`open ${probe}`, () => writeFileSync(probe, "", { mode: fileMode }));
    rmSync(probe, { force: true });
    return { lines, error: undefined };
  } catch (error) {
    return { lines, error: error instanceof OperationError ? error.message : reasonOf(error) };
  }
}

/** A failed operation, named as Go names it: `mkdir /a: permission denied`. */
class OperationError extends Error {}

function attempt(operation: string, run: () => void): void {
  try {
    run();
  } catch (error) {
    throw new OperationError(`${operation}: ${reasonOf(error)}`, { cause: error });
  }
}

/** Makes a directory and its parents, one after the other, so that the one that fails is named. */
function makeDirectories(path: string): void {
  const parent = dirname(path);
  if (parent !== path && !existsSync(parent)) makeDirectories(parent);
  attempt(`mkdir ${path}`, () => {
    mkdirSync(path, { mode: privateMode });
    accessSync(path);
  });
}

function permissionLines(path: string): readonly LogLine[] {
  const stat = statSync(path);
  const mode = stat.mode & 0o777;
  if (!stat.isDirectory() || mode === privateMode) return [];
  const error = `directory ${JSON.stringify(path)} exist, but the permission is "d${letters(mode)}". The recommended permission is "-rwx------" to prevent possible unprivileged access to the data`;
  return [{ level: "warn", message: "check file permission", fields: { error } }];
}

function letters(mode: number): string {
  return [6, 3, 0]
    .map((shift) => {
      const bits = (mode >> shift) & 7;
      return `${bits & 4 ? "r" : "-"}${bits & 2 ? "w" : "-"}${bits & 1 ? "x" : "-"}`;
    })
    .join("");
}
