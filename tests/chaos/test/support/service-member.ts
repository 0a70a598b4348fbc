import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findFreePort, memberBinary } from "@quorate/tests-compat";

/** What an operator writes into the environment file of a member. */
export type Settings = Readonly<Record<string, string>>;

/** A member that gets everything it knows from an environment file, as under an init system. */
export class ServiceMember implements AsyncDisposable {
  readonly name: string;
  readonly clientUrl: string;
  readonly peerUrl: string;
  readonly #root = mkdtempSync(join(tmpdir(), "quorate-service-"));
  #child: ChildProcess | undefined;
  #ended: Promise<unknown> = Promise.resolve();
  #log = "";

  private constructor(name: string, urls: { client: string; peer: string }) {
    this.name = name;
    this.clientUrl = urls.client;
    this.peerUrl = urls.peer;
  }

  /** A member at 127.0.0.`number`, with ports that are free now. */
  static async at(number: number): Promise<ServiceMember> {
    const [client, peer] = [await findFreePort(), await findFreePort()];
    const host = `http://127.0.0.${number}`;
    return new ServiceMember(`node${number}`, { client: `${host}:${client}`, peer: `${host}:${peer}` });
  }

  get dataDirectory(): string {
    return join(this.#root, "data");
  }

  get log(): string {
    return this.#log;
  }

  /** The settings that only this member has; those of the cluster come from whoever founds or extends it. */
  get own(): Settings {
    return {
      ETCD_NAME: this.name,
      ETCD_DATA_DIR: this.dataDirectory,
      ETCD_LISTEN_PEER_URLS: this.peerUrl,
      ETCD_LISTEN_CLIENT_URLS: this.clientUrl,
      ETCD_INITIAL_ADVERTISE_PEER_URLS: this.peerUrl,
      ETCD_ADVERTISE_CLIENT_URLS: this.clientUrl,
    };
  }

  /** Writes the environment file. */
  configure(settings: Settings): void {
    const lines = Object.entries({ ...this.own, ...settings }).map(([name, value]) => `${name}=${value}\n`);
    mkdirSync(this.#root, { recursive: true });
    writeFileSync(join(this.#root, "member.env"), lines.join(""));
  }

  /** Starts the program with the environment of the file and nothing else of ours but the search path. */
  start(): void {
    const file = readFileSync(join(this.#root, "member.env"), "utf8");
    const settings = Object.fromEntries(
      file
        .trim()
        .split("\n")
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    );
    const child = spawn(memberBinary(), [], {
      cwd: this.#root,
      env: { PATH: process.env.PATH, ...settings },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const keep = (chunk: Buffer): void => {
      this.#log = (this.#log + chunk.toString()).slice(-20_000);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once("close", resolve));
  }

  async kill(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
    this.#child?.kill(signal);
    await this.#ended;
  }

  removeData(): void {
    rmSync(this.dataDirectory, { recursive: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    rmSync(this.#root, { recursive: true, force: true });
  }
}
