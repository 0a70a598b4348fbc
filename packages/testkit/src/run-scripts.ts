import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";

/** Carries out the commands of one script, on state of its own. */
export interface ScriptRunner {
  /** Carries out one line. @returns the answer; several lines are joined by line ends, and none of them is empty. */
  execute(line: string): string | Promise<string>;
  /** The script is over. */
  close?(): void | Promise<void>;
}

/** Commands with the answers they get: `# comment` lines, commands, `----`, answers, and an empty line. */
type Block = { comments: string[]; commands: string[]; answers: string[] };

/**
 * Makes one test of each `*.txt` file in a directory: the commands are carried out in order, and the answers are compared with those in
 * the file. With `UPDATE=1` in the environment the answers are written into the file instead.
 * @param start makes a runner with fresh state, called once per script.
 */
export function runScripts(directory: string, start: (script: string) => ScriptRunner | Promise<ScriptRunner>): void {
  const names = readdirSync(directory).filter((name) => name.endsWith(".txt"));
  if (names.length === 0) throw new Error(`no scripts in ${directory}`);
  for (const name of names.sort()) {
    it(`script ${name}`, async () => {
      const path = `${directory}/${name}`;
      const text = readFileSync(path, "utf8");
      const answered = await answer(text, await start(name));
      if (process.env.UPDATE === "1") writeFileSync(path, answered);
      else expect(answered).toBe(format(parse(text)));
    });
  }
}

/** Carries out a script. @returns its text with the answers it got. */
export async function answer(text: string, runner: ScriptRunner): Promise<string> {
  const blocks = parse(text);
  try {
    for (const block of blocks) {
      block.answers = [];
      for (const command of block.commands) {
        const lines = (await runner.execute(command)).split("\n");
        if (lines.length > 1 && lines.includes("")) throw new Error(`the answer to "${command}" has an empty line`);
        block.answers.push(...lines.filter((line) => line !== ""));
      }
    }
  } finally {
    await runner.close?.();
  }
  return format(blocks);
}

function parse(text: string): Block[] {
  const blocks: Block[] = [];
  for (const paragraph of text.split(/\n{2,}/)) {
    const lines = paragraph.split("\n").filter((line) => line !== "");
    const rule = lines.indexOf("----");
    const head = rule === -1 ? lines : lines.slice(0, rule);
    const comments = head.filter((line) => line.startsWith("#"));
    const commands = head.filter((line) => !line.startsWith("#"));
    if (head.length > 0) blocks.push({ comments, commands, answers: rule === -1 ? [] : lines.slice(rule + 1) });
  }
  return blocks;
}

function format(blocks: readonly Block[]): string {
  const paragraphs = blocks.map(({ comments, commands, answers }) => {
    const rule = commands.length === 0 ? [] : ["----"];
    return [...comments, ...commands, ...rule, ...answers].join("\n");
  });
  return `${paragraphs.join("\n\n")}\n`;
}
