/** One argument of a directive: a bare word has no values. */
export type Argument = Readonly<{ key: string; values: readonly string[] }>;

/** One step of a script. `expected` is undefined when the file ends without an answer. */
export type Directive = Readonly<{
  line: number;
  command: string;
  args: readonly Argument[];
  input: string;
  expected: string | undefined;
}>;

const separator = "----";

/** Reads a data-driven test file. @throws Error on a directive that cannot be read. */
export function parseScript(text: string): readonly Directive[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const directives: Directive[] = [];
  let at = 0;
  while (at < lines.length) {
    const start = at;
    let head = (lines[at++] as string).trim();
    if (head === "" || head.startsWith("#")) continue;
    while (head.endsWith("\\") && at < lines.length)
      head = `${head.slice(0, -1).trim()} ${(lines[at++] as string).trim()}`;
    const [command = "", ...rest] = head.split(" ");
    const args = parseArguments(rest.join(" "));
    if (command === "subtest") continue;
    const input: string[] = [];
    while (at < lines.length && lines[at] !== separator) input.push(lines[at++] as string);
    const hasAnswer = lines[at++] === separator;
    let expected: string | undefined;
    if (hasAnswer) [expected, at] = readAnswer(lines, at);
    directives.push({ line: start + 1, command, args, input: input.join("\n").trim(), expected });
  }
  return directives;
}

/** The answer, each line closed by a newline, and the place after it. */
function readAnswer(lines: readonly string[], from: number): [string, number] {
  let at = from;
  const answer: string[] = [];
  if (lines[at] === separator) {
    at++;
    while (at < lines.length && !(lines[at] === separator && lines[at + 1] === separator))
      answer.push(lines[at++] as string);
    at += 2;
  } else {
    while (at < lines.length && (lines[at] as string).trim() !== "") answer.push(lines[at++] as string);
  }
  return [answer.map((line) => `${line}\n`).join(""), at];
}

function parseArguments(text: string): readonly Argument[] {
  const args: Argument[] = [];
  let at = 0;
  while (at < text.length) {
    if (text[at] === " ") {
      at++;
      continue;
    }
    const keyEnd = endOf(text, at, /[ =]/);
    const key = text.slice(at, keyEnd);
    at = keyEnd;
    if (text[at] !== "=") {
      args.push({ key, values: [] });
      continue;
    }
    at++;
    if (text[at] === "(") {
      const close = closingParenthesis(text, at);
      args.push({ key, values: text.slice(at + 1, close).split(/,\s*/) });
      at = close + 1;
    } else {
      const end = endOf(text, at, / /);
      args.push({ key, values: [text.slice(at, end)] });
      at = end;
    }
  }
  return args;
}

function endOf(text: string, from: number, stop: RegExp): number {
  const found = text.slice(from).search(stop);
  return found < 0 ? text.length : from + found;
}

function closingParenthesis(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === "(") depth++;
    if (text[at] === ")" && --depth === 0) return at;
  }
  throw new Error(`no closing parenthesis: ${text}`);
}
