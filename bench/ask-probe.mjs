// The other end of probe.mjs: a daemon with the probe in it, and the questions.
import net from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Server, quorateBinary } from "./server.mjs";

const probe = pathToFileURL(join(import.meta.dirname, "probe.mjs")).href;

/** A member of Quorate, not yet started, that answers `askProbe`. */
export function serverWithProbe() {
  const server = new Server("quorate", quorateBinary);
  server.probePath = join(server.directory, "probe");
  server.environment = { NODE_OPTIONS: `--import ${probe}`, QUORATE_BENCH_PROBE: server.probePath };
  return server;
}

/** @param question one of probe.mjs's commands. */
export function askProbe(server, question) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    const socket = net.connect(server.probePath, () => socket.write(question));
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("error", reject);
    socket.on("end", () => resolve(JSON.parse(Buffer.concat(chunks).toString())));
  });
}
