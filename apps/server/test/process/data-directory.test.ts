import { chmodSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { directoriesOf, hasLog, identifyDataDirectory, prepareDirectories } from "../../src/process/data-directory.js";
import { scratchDirectory } from "./scratch.js";

describe("identifyDataDirectory", () => {
  it("takes a directory that is not there for an empty one", () => {
    const path = join(scratchDirectory(), "none");
    expect(identifyDataDirectory(path)).toEqual({
      kind: "directory",
      isEmpty: true,
      lines: [
        {
          level: "info",
          message: "Initialize and start etcd server",
          fields: { "data-dir": path, "dir-type": "empty" },
        },
      ],
    });
  });

  it("knows a member's directory, and names what does not belong there", () => {
    const path = scratchDirectory();
    mkdirSync(join(path, "member"));
    writeFileSync(join(path, "file"), "x");
    expect(identifyDataDirectory(path)).toMatchObject({
      isEmpty: false,
      lines: [
        {
          level: "warn",
          message: "found invalid file under data directory",
          fields: { filename: "file", "data-dir": path },
        },
        { message: "server has already been initialized", fields: { "dir-type": "member" } },
      ],
    });
  });

  it("refuses the directory of a proxy, as etcd does", () => {
    const path = scratchDirectory();
    mkdirSync(join(path, "proxy"));
    expect(identifyDataDirectory(path)).toMatchObject({
      kind: "failure",
      exitCode: 2,
      stderr: "panic: v2 http proxy has already been deprecated in 3.6\n",
      lines: [{ level: "panic", fields: { "dir-type": "proxy" } }],
    });
    mkdirSync(join(path, "member"));
    expect(identifyDataDirectory(path)).toEqual({
      kind: "failure",
      exitCode: 1,
      stderr: "",
      lines: [{ level: "fatal", message: "invalid datadir; both member and proxy directories exist" }],
    });
  });

  it("refuses a file", () => {
    const path = join(scratchDirectory(), "plain");
    writeFileSync(path, "x");
    expect(identifyDataDirectory(path)).toMatchObject({
      exitCode: 1,
      lines: [
        {
          level: "fatal",
          message: "failed to list data directory",
          fields: { dir: path, error: `readdirent ${path}: not a directory` },
        },
      ],
    });
  });
});

describe("prepareDirectories", () => {
  it("makes directories that only their owner may use", () => {
    const path = join(scratchDirectory(), "a", "b");
    const directories = directoriesOf(path, undefined);
    expect(prepareDirectories(directories)).toEqual([]);
    for (const one of [directories.data, directories.member, directories.snapshots, directories.log]) {
      expect(statSync(one).mode & 0o777).toBe(0o700);
    }
    expect(readdirSync(path)).toEqual(["member"]);
    expect(directories.database).toBe(join(path, "member", "snap", "db"));
  });

  it("warns of a directory that others may read", () => {
    const path = scratchDirectory();
    chmodSync(path, 0o755);
    const error = `directory "${path}" exist, but the permission is "drwxr-xr-x". The recommended permission is "-rwx------" to prevent possible unprivileged access to the data`;
    expect(prepareDirectories(directoriesOf(path, undefined))).toEqual([
      { level: "warn", message: "check file permission", fields: { error } },
    ]);
  });

  it("names the directory that cannot be made", () => {
    const error = "cannot access data directory: mkdir /proc/no: no such file or directory";
    expect(prepareDirectories(directoriesOf("/proc/no/such", undefined))).toEqual({
      kind: "failure",
      exitCode: 1,
      stderr: "",
      lines: [
        { level: "error", message: "bootstrap failed", fields: { error } },
        { level: "fatal", message: "discovery failed", fields: { error } },
      ],
    });
  });

  it("panics like etcd when the log's own directory cannot be made", () => {
    const error = "mkdir /proc/no: no such file or directory";
    expect(prepareDirectories(directoriesOf(scratchDirectory(), "/proc/no/such"))).toEqual({
      kind: "failure",
      exitCode: 2,
      stderr: "panic: failed to create WAL\n",
      lines: [
        {
          level: "warn",
          message: "failed to create a temporary WAL directory",
          fields: { "tmp-dir-path": "/proc/no/such.tmp", "dir-path": "/proc/no/such", error },
        },
        { level: "panic", message: "failed to create WAL", fields: { error } },
      ],
    });
  });

  it("says so when a file stands where a directory should be", () => {
    const path = join(scratchDirectory(), "data");
    mkdirSync(path, { mode: 0o700 });
    writeFileSync(join(path, "member"), "x");
    expect(prepareDirectories(directoriesOf(path, undefined))).toMatchObject({
      lines: [
        {
          fields: { error: `cannot access member directory: open ${join(path, "member", ".touch")}: not a directory` },
        },
        {},
      ],
    });
  });
});

describe("hasLog", () => {
  it("looks for segments", () => {
    const path = scratchDirectory();
    expect(hasLog(join(path, "none"))).toBe(false);
    writeFileSync(join(path, "0.tmp"), "");
    expect(hasLog(path)).toBe(false);
    writeFileSync(join(path, "0000000000000000-0000000000000000.wal"), "");
    expect(hasLog(path)).toBe(true);
  });
});
