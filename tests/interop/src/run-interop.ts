/** Starts the test service, plain and over TLS, and lets the Go client run every case against both. */
import { spawnSync, spawn } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Clock, silentLogger, silentMeter } from "@quorate/common";
import { createListener, type TlsOptions } from "@quorate/transport";
import { testServices } from "./test-service.js";

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../../packages/transport/test/fixtures/${name}`, import.meta.url));
const goDirectory = fileURLToPath(new URL("../go", import.meta.url));

const clock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

const context = { cert: readFileSync(fixture("server.crt")), key: readFileSync(fixture("server.key")) };

/** @returns how many cases passed and failed. */
async function run(title: string, tls: TlsOptions | undefined): Promise<{ passed: number; failed: number }> {
  const random = {
    integer: (min: number, max: number) => randomInt(min, max + 1),
    bytes: (length: number) => randomBytes(length),
  };
  const options = { services: testServices(), ...(tls === undefined ? {} : { tls }) };
  const listener = createListener(options, { clock, logger: silentLogger, meter: silentMeter, random });
  const { port } = await listener.listen({ host: "127.0.0.1", port: 0 });
  const args = ["run", ".", "-address", `127.0.0.1:${port}`, ...(tls === undefined ? [] : ["-ca", fixture("ca.crt")])];
  const child = spawn("go", args, { cwd: goDirectory, stdio: ["ignore", "pipe", "inherit"] });
  let passed = 0;
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith("ok ")) passed++;
      process.stdout.write(`${title}: ${line}\n`);
    }
  });
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  await listener.stop({ graceMs: 1000 });
  const { streams, heldBytes, queuedBytes } = listener.stats();
  const isClean = streams === 0 && heldBytes === 0 && queuedBytes === 0;
  if (!isClean) process.stdout.write(`${title}: FAILED something is still held: ${JSON.stringify(listener.stats())}\n`);
  return { passed, failed: code === 0 && isClean ? 0 : 1 };
}

if (spawnSync("go", ["version"]).error !== undefined) {
  process.stdout.write("SKIPPED: go is not installed\n0 passed, 0 failed, 1 skipped\n");
} else {
  const plain = await run("plain", undefined);
  const secure = await run("tls", { context: () => context });
  const failed = plain.failed + secure.failed;
  process.stdout.write(`${plain.passed + secure.passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}
