import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { argumentText } from "../src/frame/argument-bytes.js";
import { type FakeRun, type FakeSettings, runFake } from "./fake-world.js";
import { goldenCases } from "./golden-cases.js";

const directory = new URL("golden/", import.meta.url);
const forms = ["simple", "json", "fields", "table", "protobuf"] as const;
/** Time stands still, so that durations are zero. Waits are over at once. */
const clock: NonNullable<FakeSettings["clock"]> = {
  nowMs: () => 0,
  after(_delayMs, run) {
    const timer = setTimeout(run, 0);
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Bytes that are no text are shown as \\xNN. */
function printable(bytes: Uint8Array): string {
  const stray = (one: string) => `\\x${(one.charCodeAt(0) - 0xdc00).toString(16)}`;
  return argumentText(bytes).replace(/[\udc80-\udcff]/g, stray);
}

/** What a run left behind, as the files keep it. */
function shown(argv: readonly string[], run: FakeRun): string {
  const isText = !argv.includes("protobuf") || run.stdoutBytes.length === 0;
  const stdout = isText ? printable(run.stdoutBytes) : `${Buffer.from(run.stdoutBytes).toString("hex")}\n`;
  const stderr = run.stderr === "" ? "" : `--- stderr\n${run.stderr}`;
  const words = argv.map((word) => (/^[\w./:=,-]+$/.test(word) ? word : JSON.stringify(word)));
  return `$ etcdctl ${words.join(" ")}\n${stdout}${stderr}--- exit ${run.exitCode}\n`;
}

/** Runs a case in each form, and once with --hex. */
async function outputOf(name: string): Promise<string> {
  const { argv, settings = {} } = goldenCases[name] ?? { argv: [] };
  const parts: string[] = [];
  for (const flags of [...forms.map((form) => ["-w", form]), ["-w", "fields", "--hex"], ["-w", "json", "--hex"]]) {
    const line = [...argv, ...flags];
    parts.push(shown(line, await runFake(line, { clock, ...settings })));
  }
  return parts.join("\n");
}

describe("the output of every command in every form", () => {
  for (const name of Object.keys(goldenCases)) {
    it(name, async () => {
      const file = new URL(`${name}.txt`, directory);
      const output = await outputOf(name);
      if (process.env.UPDATE === "1") writeFileSync(file, output);
      expect(output).toBe(
        existsSync(file) ? readFileSync(file, "utf8") : `there is no golden/${name}.txt: run with UPDATE=1`,
      );
    });
  }

  it("has a file for each case and no other", () => {
    const files = readdirSync(directory).map((file) => file.replace(/\.txt$/, ""));
    expect(files.sort()).toEqual(Object.keys(goldenCases).sort());
  });
});
