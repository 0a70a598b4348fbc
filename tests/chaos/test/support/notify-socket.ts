import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** Prints each notice that arrives, a line each, until it is killed. Node opens no Unix datagram sockets. */
const listener = `
use Socket; $| = 1;
socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die $!;
bind($s, sockaddr_un($ARGV[0])) or die $!;
print "bound\\n";
for (;;) { recv($s, my $m, 4096, 0); print "$1\\n" while $m =~ /^((?:READY|STOPPING)=.*)$/mg; }
`;

/** True where a member can notify, and this can listen. */
export const canNotify = ["systemd-notify", "perl"].every((command) => {
  try {
    execFileSync("sh", ["-c", `command -v ${command}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
});

/** The socket of an init system, on which a member says how it is. */
export class NotifySocket implements Disposable {
  /** All notices so far, in order. */
  readonly notices: string[] = [];
  readonly #directory = mkdtempSync(join(tmpdir(), "quorate-notify-"));
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor() {
    const child = spawn("perl", ["-e", listener, this.path], { stdio: ["ignore", "pipe", "inherit"] });
    this.#child = child;
    const lines = createInterface({ input: child.stdout });
    lines.on("line", (line) => {
      if (line !== "bound") this.notices.push(line);
    });
    this.#lines = lines[Symbol.asyncIterator]();
  }

  static async open(): Promise<NotifySocket> {
    const socket = new NotifySocket();
    if ((await socket.next()) !== "bound") throw new Error("the socket was not opened");
    return socket;
  }

  get path(): string {
    return join(this.#directory, "socket");
  }

  /** The next notice that nobody has waited for yet. */
  async next(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error("nobody listens any more");
    return value;
  }

  [Symbol.dispose](): void {
    this.#child.kill();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}
