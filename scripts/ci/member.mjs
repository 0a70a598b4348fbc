// A member of its own for a check: free ports, an empty directory.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const startMs = 30_000;
const askEveryMs = 100;

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * Starts `bin/quorate` and waits until it is healthy.
 * @returns {Promise<{ endpoint: string, port: number, stop(): Promise<void> }>}
 */
export async function startMember() {
  const data = await mkdtemp(join(tmpdir(), "member-"));
  const [port, peerPort] = [await freePort(), await freePort()];
  const [endpoint, peer] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`];
  const clients = ["--listen-client-urls", endpoint, "--advertise-client-urls", endpoint];
  const peers = [
    "--listen-peer-urls",
    peer,
    "--initial-advertise-peer-urls",
    peer,
    "--initial-cluster",
    `default=${peer}`,
  ];
  const child = spawn(join(root, "bin/quorate"), ["--data-dir", data, ...clients, ...peers], { stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const stop = async () => {
    child.kill();
    await ended;
    await rm(data, { recursive: true, force: true });
  };
  for (let waitedMs = 0; waitedMs < startMs; waitedMs += askEveryMs) {
    const isHealthy = await fetch(`${endpoint}/health`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (isHealthy) return { endpoint, port, stop };
    await new Promise((resolve) => setTimeout(resolve, askEveryMs));
  }
  await stop();
  throw new Error(`bin/quorate was not healthy within ${startMs} ms`);
}
