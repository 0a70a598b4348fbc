import { readdirSync, readFileSync } from "node:fs";

/** A line that etcd logged, as the recordings keep it. */
export type RecordedLine = { level: string; msg: string; fields?: string[]; error?: string };
/** A step of a recorded case: a program that was run, or files that were written. */
export type RecordedStep = {
  argv?: string[];
  env?: Record<string, string>;
  write?: Record<string, string>;
  exit?: number | string;
  stdout?: string;
  stderr?: string;
  logs?: RecordedLine[];
  only_exit?: boolean;
};

const directory = new URL("../fixtures/ctl/", import.meta.url);

const names: Readonly<Record<string, string>> = {
  EP1: "127.0.0.1:21181",
  EP2: "127.0.0.1:21182",
  EP3: "127.0.0.1:21183",
  PEER1: "127.0.0.1:21191",
  PEER2: "127.0.0.1:21192",
  DEAD: "127.0.0.1:21199",
  TMP: "/tmp/case",
  CERTS: "/tmp/certs",
};

/** All recorded cases of etcd's own command line, with their placeholders filled in. */
export function recordedCases(): readonly { name: string; steps: readonly RecordedStep[] }[] {
  return readdirSync(directory)
    .sort()
    .map((file) => {
      const text = readFileSync(new URL(file, directory), "utf8");
      const filled = text.replace(/\{([A-Z]+\d?)\}/g, (whole, name: string) => names[name] ?? whole);
      return { name: file.replace(".json", ""), steps: (JSON.parse(filled) as { steps: RecordedStep[] }).steps };
    });
}

/** Output as the recordings have it: usage and build are not compared. */
export function normalised(text: string): string {
  return text
    .replace(/^Usage:[\s\S]*$/m, "<usage>\n")
    .replace(/^(Git SHA|Go Version|Go OS\/Arch): .*$/gm, "$1: <build>")
    .replace(/3\.7\.1/g, "<version>");
}
