import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";

/** "reset": connections break and new ones are refused. "silent": nothing arrives any more, and nobody is told. */
export type Cut = "reset" | "silent";

type Pair = { readonly source: string | undefined; readonly near: Socket; readonly far: Socket };

/** Who runs a process: its name, or undefined when it does not run. */
export type Sources = () => ReadonlyMap<string, number>;

/**
 * A TCP proxy in front of one member's peer port. It tells the members that connect apart by their processes, so that a link can be cut between two of
 * them only.
 */
export class PeerProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #targetPort: number;
  readonly #sources: Sources;
  readonly #pairs = new Set<Pair>();
  readonly #cuts = new Map<string, Cut>();

  private constructor(server: Server, ports: { own: number; target: number }, sources: Sources) {
    this.#server = server;
    this.port = ports.own;
    this.#targetPort = ports.target;
    this.#sources = sources;
    server.on("connection", (near) => this.#join(near));
  }

  static async start(ports: { own: number; target: number }, sources: Sources): Promise<PeerProxy> {
    const server = createServer({ noDelay: true, pauseOnConnect: true });
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(ports.own, "127.0.0.1", resolve);
    });
    return new PeerProxy(server, ports, sources);
  }

  /** Cuts what `source` sends here and what it is answered. */
  cut(source: string, how: Cut): void {
    this.#cuts.set(source, how);
    for (const pair of this.#pairs) if (pair.source === source) apply(pair, how);
  }

  /** Lets everything through again. What was silent breaks now, as after a long outage. */
  heal(): void {
    this.#cuts.clear();
    for (const pair of this.#pairs) if (pair.near.isPaused()) breakPair(pair);
  }

  async close(): Promise<void> {
    for (const pair of this.#pairs) breakPair(pair);
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(near: Socket): void {
    const source = sourceOf(near.remotePort ?? 0, this.#sources());
    const far = connect({ port: this.#targetPort, host: "127.0.0.1", noDelay: true });
    const pair: Pair = { source, near, far };
    this.#pairs.add(pair);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on("data", (chunk: Buffer) => {
        if (!other.write(chunk)) one.pause();
      });
      // A pair that was silenced stays so.
      other.on("drain", () => {
        if (!this.#cuts.has(source ?? "")) one.resume();
      });
      one.on("end", () => other.end());
      one.on("error", () => breakPair(pair));
      one.on("close", () => {
        other.destroy();
        this.#pairs.delete(pair);
      });
    }
    const cut = this.#cuts.get(source ?? "");
    if (cut === undefined) near.resume();
    else apply(pair, cut);
  }
}

function apply(pair: Pair, how: Cut): void {
  if (how === "reset") return breakPair(pair);
  pair.near.pause();
  pair.far.pause();
}

function breakPair({ near, far }: Pair): void {
  near.resetAndDestroy();
  far.resetAndDestroy();
}

/** Which of the processes has a connection from that local port. Linux only: elsewhere nobody does. */
function sourceOf(port: number, sources: ReadonlyMap<string, number>): string | undefined {
  for (const [name, pid] of sources) {
    try {
      const inodes = inodesOf(pid, port);
      if (inodes.size === 0) return undefined;
      for (const file of readdirSync(`/proc/${pid}/fd`)) {
        const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${file}`))?.[1];
        if (inode !== undefined && inodes.has(inode)) return name;
      }
    } catch {
      // The process has ended meanwhile.
    }
  }
  return undefined;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // closed meanwhile
  }
}

/** The sockets, of whatever process, that are bound to a local port. @see proc(5), /proc/net/tcp. */
function inodesOf(pid: number, port: number): Set<string> {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const inodes = new Set<string>();
  for (const table of ["tcp", "tcp6"]) {
    for (const line of readFileSync(`/proc/${pid}/net/${table}`, "utf8").split("\n").slice(1)) {
      const fields = line.trim().split(/\s+/);
      const [local, inode] = [fields[1], fields[9]];
      if (local?.endsWith(wanted) === true && inode !== undefined && inode !== "0") inodes.add(inode);
    }
  }
  return inodes;
}
