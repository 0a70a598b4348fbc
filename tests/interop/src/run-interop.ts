/** Starts the test service, plain and over TLS, and lets the Go client run every case against both; then h2spec against an HTTP/2 site. */
import { spawn, spawnSync } from "node:child_process";
import { createListener, systemPorts, type TlsOptions } from "@quorate/transport";
import { fixture, goDirectory, testTls } from "./fixtures.js";
import { runH2spec } from "./run-h2spec.js";
import { testServices } from "./test-service.js";

/** @returns how many cases passed and failed. */
async function runCases(title: string, tls: TlsOptions | undefined): Promise<{ passed: number; failed: number }> {
  const listener = createListener({ services: testServices(), ...(tls === undefined ? {} : { tls }) }, systemPorts());
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
  const results = [await runCases("plain", undefined), await runCases("tls", testTls), await runH2spec()];
  const passed = results.reduce((sum, one) => sum + one.passed, 0);
  const failed = results.reduce((sum, one) => sum + one.failed, 0);
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}
