import { defineCommand } from "../frame/command.js";
import { globalFlags } from "../frame/global-flags.js";
import { flagLines } from "../frame/help.js";

export const options = defineCommand({
  name: "options",
  short: "Show the global command-line flags",
  group: "Utility commands",
  async run(context) {
    context.printText((page) => {
      page.line("The following options can be passed to any command:").line().text(flagLines(globalFlags)).line();
    });
    return undefined;
  },
});
