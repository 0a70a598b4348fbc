import type { TlsSettings } from "../connection/transport-options.js";

const withinMs = 10_000;

/** The text of a member's /metrics; `undefined` when it cannot be had. */
export async function fetchMetrics(endpoint: string, tls: TlsSettings | undefined): Promise<string | undefined> {
  const isTls = endpoint.startsWith("https://") || (tls !== undefined && !endpoint.includes("://"));
  const { get } = isTls ? await import("node:https") : await import("node:http");
  const url = `${isTls ? "https" : "http"}://${endpoint.replace(/^[a-z]+:\/\//, "")}/metrics`;
  return new Promise((resolve) => {
    const nothing = () => resolve(undefined);
    const options = { ...pemOf(tls), rejectUnauthorized: tls?.insecureSkipVerify !== true, timeout: withinMs };
    const request = get(url, options, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => {
        text += chunk;
      });
      answer.on("end", () => resolve(answer.statusCode === 200 ? text : undefined));
      answer.on("error", nothing);
    });
    request.on("error", nothing);
    request.on("timeout", () => request.destroy(new Error("no answer")));
  });
}

function pemOf(tls: TlsSettings | undefined) {
  const { ca, cert, key } = tls ?? {};
  const files = Object.entries({ ca, cert, key }).filter(([, file]) => file !== undefined);
  return Object.fromEntries(files.map(([name, file]) => [name, Buffer.from(file ?? [])]));
}
