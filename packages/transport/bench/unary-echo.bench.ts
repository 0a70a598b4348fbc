/**
 * Unary echo on the engine: requests per second and core time per request (processor time of this process over requests; the load comes from
 * another process). node bench/unary-echo.bench.ts [requests]. Needs a build.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { silentLogger, silentMeter } from "@quorate/common";
import { createListener, GrpcServices } from "@quorate/transport";

const requests = Number(process.argv[2] ?? 300_000);
const generator = fileURLToPath(new URL("./generate-load.ts", import.meta.url));

const services = new GrpcServices();
services.unary("/bench.Echo/Unary", (call, message) => call.reply(message));
const pending: (() => void)[] = [];
const drain = (): void => {
  for (const run of pending.splice(0)) run();
};
services.unary("/bench.Echo/Later", (call, message) => {
  const copy = Uint8Array.prototype.slice.call(message);
  if (pending.length === 0) setImmediate(drain);
  pending.push(() => call.reply(copy));
});
const listener = createListener(
  { services },
  {
    clock: {
      monotonicMs: () => performance.now(),
      wallMs: () => Date.now(),
      after(delayMs, run) {
        const timer = setTimeout(run, delayMs);
        return { cancel: () => clearTimeout(timer) };
      },
    },
    logger: silentLogger,
    meter: silentMeter,
    random: { integer: (min) => min, bytes: (length) => new Uint8Array(length) },
  },
);
const { port } = await listener.listen({ host: "127.0.0.1", port: 0 });

async function measure(
  title: string,
  count: number,
  inFlight: number,
  connections: number,
  bytes: number,
  path: string,
): Promise<void> {
  const before = process.cpuUsage();
  const args = [generator, port, count, inFlight, connections, bytes, path].map(String);
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const used = process.cpuUsage(before);
  const core = (used.user + used.system) / count;
  console.log(
    `${title}: ${stdout.trim()} core ${core.toFixed(2)} us per request (user ${(used.user / count).toFixed(2)})`,
  );
}

await measure("warm-up", requests, 400, 4, 256, "/bench.Echo/Unary");
for (let round = 0; round < 2; round++) {
  await measure("echo 256 B, 400 in flight on 4 connections", requests, 400, 4, 256, "/bench.Echo/Unary");
  await measure(
    "echo 256 B answered later, 400 in flight on 4 connections",
    requests,
    400,
    4,
    256,
    "/bench.Echo/Later",
  );
}
await measure("echo 256 B, 1 in flight", Math.floor(requests / 20), 1, 1, 256, "/bench.Echo/Unary");
await measure("echo 16 kB, 16 in flight", Math.floor(requests / 30), 16, 4, 16_000, "/bench.Echo/Unary");
await listener.stop({ graceMs: 0 });
