import { execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemdNotify } from "../../src/process/systemd-notify.js";
import { scratchDirectory } from "./scratch.js";

/** Prints each datagram that arrives, a line each, until it is killed. Node opens no such sockets. */
const listener = `
use Socket; $| = 1;
socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die $!;
bind($s, sockaddr_un($ARGV[0])) or die $!;
print "bound\\n";
for (;;) { recv($s, my $m, 4096, 0); print "$m\\n" if $m =~ /^(READY|STOPPING)=/; }
`;

function has(command: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${command}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** A program of that name which does what the shell script says, first on a path of its own. */
function standIn(script: string): { PATH: string; NOTIFY_SOCKET: string; directory: string } {
  const directory = scratchDirectory();
  writeFileSync(join(directory, "systemd-notify"), `#!/bin/sh\n${script}\n`);
  chmodSync(join(directory, "systemd-notify"), 0o755);
  return { PATH: `${directory}:/usr/bin:/bin`, NOTIFY_SOCKET: "/run/nobody", directory };
}

describe("systemdNotify", () => {
  it("is absent when nobody asked to be told", () => {
    expect(systemdNotify({})).toBeUndefined();
    expect(systemdNotify({ NOTIFY_SOCKET: "" })).toBeUndefined();
  });

  it("hands the notice and the socket's name to systemd-notify", async () => {
    const world = standIn('echo "$NOTIFY_SOCKET $*" >"$(dirname "$0")/said"');
    await systemdNotify(world)?.("READY=1");
    expect(readFileSync(join(world.directory, "said"), "utf8")).toBe("/run/nobody READY=1\n");
  });

  it("says why a notice did not arrive", async () => {
    const refused = systemdNotify(standIn("echo 'Failed to notify init system: No such file' >&2; exit 1"));
    await expect(refused?.("READY=1")).rejects.toThrow("systemd-notify: Failed to notify init system: No such file");
    await expect(systemdNotify(standIn("exit 3"))?.("READY=1")).rejects.toThrow("systemd-notify: ended with 3");
    const missing = systemdNotify({ NOTIFY_SOCKET: "/run/nobody", PATH: scratchDirectory() });
    await expect(missing?.("READY=1")).rejects.toThrow("systemd-notify: no such file or directory");
  });

  // Where an init system other than systemd runs there is no such program; the full check installs it.
  it.skipIf(!has("systemd-notify") || !has("perl"))("reaches a real socket", async () => {
    const socket = join(scratchDirectory(), "notify");
    const child = spawn("perl", ["-e", listener, socket], { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void child.kill());
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => (await lines.next()).value;
    expect(await next()).toBe("bound");
    expect(existsSync(socket)).toBe(true);
    const notify = systemdNotify({ PATH: process.env.PATH, NOTIFY_SOCKET: socket });
    await notify?.("READY=1");
    expect(await next()).toBe("READY=1");
    await notify?.("STOPPING=1");
    expect(await next()).toBe("STOPPING=1");
  });
});
