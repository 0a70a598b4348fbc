// The one door of the package.
export { rootCommand } from "./commands.js";
export { runCommandLine } from "./frame/run.js";
export { realWorld } from "./process/real-world.js";
export { ClosedPipe, type ChildEnd, type InputStream, type OutputStream, type World } from "./world.js";
