import { ConfChangeSuite } from "./confchange-suite.js";
import { InteractionSuite } from "./interaction-suite.js";
import { runQuorumDirective } from "./quorum-suite.js";
import { type Directive, parseScript } from "./script.js";

/** The first directive that answered something else. */
export type Difference = Readonly<{ directive: Directive; expected: string; actual: string }>;

/** Replays one file. @returns the first difference, or undefined when every answer is equal, log lines of the core aside. */
export function replay(text: string): Difference | undefined {
  const directives = parseScript(text);
  const run = runnerFor(directives);
  for (const directive of directives) {
    if (directive.expected === undefined) throw new Error(`line ${directive.line}: a directive without an answer`);
    const expected = withoutLogLines(directive.expected);
    const actual = closed(run(directive));
    if (actual !== expected) return { directive, expected, actual };
  }
  return undefined;
}

/** How many directives a file has: a file that is not understood has none. */
export function countDirectives(text: string): number {
  return parseScript(text).length;
}

function runnerFor(directives: readonly Directive[]): (directive: Directive) => string {
  const commands = new Set(directives.map(({ command }) => command));
  if (commands.has("vote") || commands.has("committed")) return runQuorumDirective;
  if (["simple", "enter-joint", "leave-joint"].some((command) => commands.has(command))) {
    const suite = new ConfChangeSuite();
    return (directive) => suite.run(directive);
  }
  const suite = new InteractionSuite();
  return (directive) => suite.run(directive);
}

function withoutLogLines(text: string): string {
  const lines = text.split("\n").filter((line) => !/^\s*(DEBUG|INFO|WARN|ERROR) /.test(line));
  const kept = lines.join("\n");
  return kept === "" ? "ok\n" : kept;
}

function closed(text: string): string {
  if (text === "") return "ok\n";
  return text.endsWith("\n") ? text : `${text}\n`;
}
