import { ExitCode } from "../exit-codes.js";
import { childNamed } from "../frame/find-command.js";
import { type Command, defineCommand } from "../frame/command.js";
import { helpText, usageText } from "../frame/help.js";

/** @param root the program, which is not complete yet when this is called. */
export function helpCommand(root: () => Command): Command {
  return defineCommand({
    name: "help",
    usage: "[command]",
    short: "Help about any command",
    group: "Utility commands",
    async run(context) {
      const path = [root()];
      for (const word of context.args) {
        const next = childNamed(path.at(-1) ?? root(), word);
        if (next === undefined) break;
        path.push(next);
      }
      if (path.length === 1 && context.args.length > 0) {
        const topic = context.args.map((word) => `\`${word}\``).join(" ");
        context.warn(`Unknown help topic [${topic}]\n${usageText(path)}`);
      } else context.printText((page) => page.text(helpText(path)));
      return ExitCode.Success;
    },
  });
}
