import { describe, expect, it } from "vitest";
import type { LogLine } from "../../src/config/log-line.js";
import { readConfig } from "../../src/config/read-config.js";
import { normalised, type RecordedLine, type RecordedStep, recordedCases } from "./recorded-case.js";

/** What the recordings leave out: single-port mode and an empty data directory. */
const leftOut = /single port|'data-dir' was empty/;
/** Failures that come after the configuration: of directories, of founding the cluster, of ports. The tests of `process` have them. */
const later =
  /cannot access data directory|failed to create|couldn't find local name|address already in use|proxy|both member and proxy|failed to list/;
/** Lines of a start that goes on, from parts that come after the configuration. */
const laterLines = /check file permission|found invalid file|automatically generate certificates/;
/** Steps that ask for what is not built, which stops the start here. */
const notBuilt = /--auto-tls=true|ETCD_AUTO_TLS=true|RETENTION=10m|retention=10m|c5\.yml|c15\.yml/;

function missingFile(path: string): never {
  throw Object.assign(new Error(path), { code: path === "/tmp/case" ? "EISDIR" : "ENOENT" });
}

function run(step: RecordedStep, files: ReadonlyMap<string, string>) {
  return readConfig({
    argv: step.argv?.slice(1) ?? [],
    environment: { PATH: "/bin", ...step.env },
    readFile: (path) => {
      if (path.startsWith("/tmp/certs/")) return new Uint8Array();
      return new TextEncoder().encode(files.get(path) ?? missingFile(path));
    },
    runtime: { version: "v24.9.0", platform: "linux", architecture: "x64" },
  });
}

function recordedForm(lines: readonly LogLine[]): readonly RecordedLine[] {
  return lines
    .filter(({ level, message }) => level !== "info" && !leftOut.test(message))
    .map(({ level, message, fields }) => {
      const line: RecordedLine = { level, msg: message };
      if (fields === undefined) return line;
      const error = fields.error === undefined ? {} : { error: String(fields.error) };
      return { ...line, fields: Object.keys(fields).sort(), ...error };
    });
}

function sorted(lines: readonly RecordedLine[]): readonly string[] {
  return lines.map((line) => JSON.stringify(line, ["level", "msg", "fields", "error"])).sort();
}

function titleOf(step: RecordedStep): string {
  const words = (step.argv ?? []).filter(
    (word) => !/^--(listen|advertise|initial-adv|initial-cluster=d|data-dir|name=d)/.test(word),
  );
  return [...Object.entries(step.env ?? {}).map(([name, value]) => `${name}=${value}`), ...words].join(" ");
}

describe("readConfig", () => {
  for (const { name, steps } of recordedCases()) {
    const files = new Map<string, string>();
    for (const [index, step] of steps.entries()) {
      for (const [file, text] of Object.entries(step.write ?? {})) files.set(`/tmp/case/${file}`, text);
      if (step.argv?.[0] !== "etcd") continue;
      const title = titleOf(step);
      it(`answers as recorded: ${name} ${index} ${title}`, () => {
        const result = run(step, files);
        const expected = step.logs ?? [];
        if (notBuilt.test(title)) {
          expect(result).toMatchObject({ kind: "exit", exitCode: 1 });
          expect(result.lines.at(-1)?.fields?.error).toContain("not available in this version");
          return;
        }
        if (result.kind === "run") {
          const isLater = expected.some((line) => later.test(`${line.msg} ${line.error ?? ""}`));
          expect(step.exit === "SIGTERM" || isLater, JSON.stringify(step)).toBe(true);
          const known = expected.filter((line) => !isLater && !laterLines.test(line.msg));
          expect(sorted(recordedForm(result.lines))).toEqual(sorted(known));
          return;
        }
        expect({ exit: result.exitCode, stdout: normalised(result.stdout), stderr: normalised(result.stderr) }).toEqual(
          {
            exit: step.exit,
            stdout: step.stdout?.replace("<help>", "<usage>"),
            stderr: step.stderr,
          },
        );
        expect(sorted(recordedForm(result.lines))).toEqual(sorted(expected));
      });
    }
  }
});
