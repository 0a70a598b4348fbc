import { spawn } from "node:child_process";
import { createListener, GrpcServices, systemPorts } from "@quorate/transport";
import { goDirectory, testTls } from "./fixtures.js";

/** Cases of RFC 7540 that RFC 9113 has given up with its priorities (section 5.3): parsed and dropped here. */
const givenUp: ReadonlySet<string> = new Set([
  "Sends HEADERS frame that depend on itself",
  "Sends PRIORITY frame that depend on itself",
]);

/** Runs h2spec against an HTTP/2 site over TLS. @returns how many cases passed and failed; a case given up that fails is neither. */
export async function runH2spec(): Promise<{ passed: number; failed: number }> {
  // Answers take a moment: h2spec breaks rules on streams that it believes open, and a stream that was answered already is not.
  const http = async (request: Request): Promise<Response> => {
    await new Promise((resolve) => setTimeout(resolve, 60));
    return new Response(`a body of some length, for ${(await request.text()).length} bytes`);
  };
  const limits = { maxConcurrentStreams: 100 }; // one case goes over it
  const listener = createListener({ services: new GrpcServices(), http, tls: testTls, limits }, systemPorts());
  const { port } = await listener.listen({ host: "127.0.0.1", port: 0 });
  const args = ["tool", "h2spec", "-h", "127.0.0.1", "-p", String(port), "-t", "-k", "-o", "2"];
  const child = spawn("go", args, { cwd: goDirectory, stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  await new Promise((resolve) => child.on("close", resolve));
  await listener.stop({ graceMs: 0 });
  const summary = /(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed/.exec(output);
  const failures = output.slice(output.indexOf("Failures:")).matchAll(/× \d+: (.*)/g);
  const unexpected = [...failures].map((match) => match[1] as string).filter((title) => !givenUp.has(title));
  for (const title of unexpected) process.stdout.write(`h2spec: FAILED ${title}\n`);
  if (summary === null) process.stdout.write(`h2spec: FAILED to run\n${output}\n`);
  return { passed: Number(summary?.[2] ?? 0), failed: summary === null ? 1 : unexpected.length };
}
