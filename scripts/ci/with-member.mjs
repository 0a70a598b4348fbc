// Runs a command beside a member of its own, which it finds under ENDPOINTS and REAL_MEMBER_PORT. Usage: with-member.mjs COMMAND [ARGUMENT...]. Ends as the command does.
import { spawn } from "node:child_process";
import { startMember } from "./member.mjs";

const [command, ...parameters] = process.argv.slice(2);
const { endpoint, port, stop } = await startMember();
const env = { ...process.env, ENDPOINTS: endpoint, REAL_MEMBER_PORT: String(port) };
const child = spawn(command, parameters, { stdio: "inherit", env });
child.once("close", async (code) => {
  await stop();
  process.exitCode = code ?? 1;
});
