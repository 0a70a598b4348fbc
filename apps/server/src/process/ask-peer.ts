import { createRequire } from "node:module";
import { request as secureRequest } from "node:https";
import { checkServerIdentity, createSecureContext, type PeerCertificate } from "node:tls";
import type { PeerTls } from "@quorate/transport";

// An import would have Node load its fetch, too, at each start: see transport's node-http.ts.
const { request: plainRequest } = createRequire(import.meta.url)("node:http") as typeof import("node:http");

/** What a peer's HTTP side has answered with status 200. */
export type PeerAnswer = Readonly<{ body: string; header(name: string): string | undefined }>;

/** Asks the HTTP side of a peer with a GET. @throws when nothing with status 200 comes in time. */
export type AskPeer = (url: string, options: { timeoutMs: number; tls: PeerTls | undefined }) => Promise<PeerAnswer>;

/** More than this is no answer of a peer. */
const bodyBytesMax = 4_194_304;

/** Asks over a connection of its own. */
export const askPeer: AskPeer = (url, { timeoutMs, tls }) =>
  new Promise((resolve, reject) => {
    const isSecure = url.startsWith("https:");
    const secure = isSecure
      ? {
          secureContext: createSecureContext(tls?.context() ?? {}),
          rejectUnauthorized: tls?.verifiesServer !== false,
          checkServerIdentity: (host: string, certificate: PeerCertificate) =>
            checkServerIdentity(host, certificate) ?? tls?.checkServer?.(certificate),
        }
      : {};
    const options = { agent: false, signal: AbortSignal.timeout(timeoutMs), ...secure };
    const request = (isSecure ? secureRequest : plainRequest)(url, options, (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on("error", reject);
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > bodyBytesMax) response.destroy(new Error("the answer is too long"));
        else chunks.push(chunk);
      });
      response.on("end", () => {
        if (response.statusCode !== 200) return reject(new Error(`unexpected status ${response.statusCode}`));
        const header = (name: string): string | undefined => {
          const value = response.headers[name];
          return typeof value === "string" ? value : undefined;
        };
        resolve({ body: Buffer.concat(chunks).toString(), header });
      });
    });
    request.on("error", reject);
    request.end();
  });
