import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { countDirectives, replay } from "./run-file.js";

/**
 * Replays every `.txt` file below a folder, names ascending, and prints a line for each: its name and `ok`, or the first difference.
 * @returns true when all were equal. A folder without files is not.
 */
export function replayFolder(base: string, folder: string, print: (line: string) => void): boolean {
  const root = resolve(base, folder);
  const names = readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".txt"))
    .sort();
  if (names.length === 0) print(`no .txt files in ${root}`);
  const results = names.map((name) => {
    const report = replayFile(join(root, name));
    print(`${name} ${report}`);
    return report === "ok";
  });
  return results.length > 0 && results.every((isEqual) => isEqual);
}

function replayFile(path: string): string {
  try {
    const text = readFileSync(path, "utf8");
    if (countDirectives(text) === 0) return "has no directives";
    const difference = replay(text);
    if (difference === undefined) return "ok";
    const { directive, expected, actual } = difference;
    return `differs at line ${directive.line}: ${directive.command}\n--- expected\n${expected}--- actual\n${actual}`;
  } catch (error) {
    return `failed: ${error instanceof Error ? error.stack : String(error)}`;
  }
}
