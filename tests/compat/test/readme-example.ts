import { MemberProcess } from "../src/index.js";

export async function survivesKill(): Promise<boolean> {
  await using member = await MemberProcess.launch({ flags: ["--log-level=warn"] });
  await member.stop("SIGKILL");
  member.start();
  await member.waitForPort(member.clientPort);
  return member.isRunning;
}
