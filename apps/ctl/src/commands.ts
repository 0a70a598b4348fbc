import { put } from "./commands/put.js";
import type { Command } from "./frame/command.js";

/** The program. The order of the commands is the one in which near names are suggested. */
export function rootCommand(programName: string): Command {
  return {
    name: programName,
    short: "A command line client for Quorate and etcd v3.",
    commands: [put],
  };
}
