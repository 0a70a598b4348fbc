import { rootCommand } from "./commands.js";
import { runCommandLine } from "./frame/run.js";
import { commandLine, realWorld } from "./process/real-world.js";

const { programName, argv } = commandLine();
// No `await` here: the bundle is CommonJS, which Node starts faster than a module that imports Node's own.
void runCommandLine(rootCommand(programName), argv, realWorld(programName)).then((code) => process.exit(code));
