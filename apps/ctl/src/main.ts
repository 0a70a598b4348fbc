import { rootCommand } from "./commands.js";
import { runCommandLine } from "./frame/run.js";
import { commandLine, realWorld } from "./process/real-world.js";

const { programName, argv } = commandLine();
const world = realWorld(programName);
process.exit(await runCommandLine(rootCommand(programName), argv, world));
