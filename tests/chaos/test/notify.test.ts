import { findFreePort, MemberProcess } from "@quorate/tests-compat";
import { MemberClient } from "@quorate/tests-crash";
import { describe, expect, it } from "vitest";
import { canNotify, NotifySocket } from "./support/notify-socket.js";

/** Waits until the member has logged this. @throws when it ends first, or does not within a minute. */
async function untilLogged(member: MemberProcess, text: string): Promise<void> {
  const until = performance.now() + 60_000;
  while (!member.log.includes(text)) {
    if (!member.isRunning || performance.now() > until) throw new Error(`"${text}" was not logged:\n${member.log}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** One request, once: it is answered, or this throws. */
async function serves(member: MemberProcess): Promise<boolean> {
  const client = new MemberClient(member.clientPort);
  try {
    return (await client.get("a")).revision > 0;
  } finally {
    client.close();
  }
}

// Where an init system other than systemd runs there is no such program; the full check installs it.
describe.skipIf(!canNotify)("a member under an init system", () => {
  it("is ready when a client is served, and says that it stops", async () => {
    using socket = await NotifySocket.open();
    await using member = await MemberProcess.prepare({ environment: { NOTIFY_SOCKET: socket.path } });
    member.start();
    expect(await socket.next()).toBe("READY=1");
    expect(await serves(member)).toBe(true);
    expect(socket.notices).toEqual(["READY=1"]);
    await member.stop("SIGTERM", 60_000);
    expect(await socket.next()).toBe("STOPPING=1");
    expect(socket.notices).toEqual(["READY=1", "STOPPING=1"]);
  });

  it("is not ready before its cluster has a quorum", async () => {
    using socket = await NotifySocket.open();
    const ports = [await findFreePort(), await findFreePort(), await findFreePort()];
    const initial = ports.map((port, index) => `m${index + 1}=http://127.0.0.1:${port}`).join(",");
    const prepare = (index: number, environment: Readonly<Record<string, string>>): Promise<MemberProcess> =>
      MemberProcess.prepare({
        name: `m${index + 1}`,
        peerPort: ports[index],
        flags: [`--initial-cluster=${initial}`],
        environment,
      });
    await using one = await prepare(0, { NOTIFY_SOCKET: socket.path });
    await using two = await prepare(1, {});
    one.start();
    // It has waited for as long as a request may take by then.
    await untilLogged(one, "failed to publish local member to cluster through raft");
    expect(one.log).not.toContain("notifying init daemon");
    expect(socket.notices).toEqual([]);
    two.start();
    expect(await socket.next()).toBe("READY=1");
    expect(await serves(one)).toBe(true);
    expect(socket.notices).toEqual(["READY=1"]);
  });
});
