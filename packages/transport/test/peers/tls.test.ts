import { readFileSync } from "node:fs";
import type { SecureContextOptions } from "node:tls";
import type { MemberId } from "@quorate/common";
import { describe, expect, it } from "vitest";
import type { PeerTls, TlsOptions } from "../../src/index.js";
import { startPeer, type TestPeer, until, untilLinked } from "./support.js";

const file = (name: string): Buffer => readFileSync(new URL(`../fixtures/${name}`, import.meta.url));
const ca = file("ca.crt");
/** Fit for both sides; its names are localhost and 127.0.0.1. */
const own: SecureContextOptions = { cert: file("server.crt"), key: file("server.key"), ca };
const alice: SecureContextOptions = { cert: file("client.crt"), key: file("client.key"), ca };
const two = 2n as MemberId;

async function startSecure(id: number, tls: PeerTls, server: Partial<TlsOptions> = {}): Promise<TestPeer> {
  const listener = { tls: { context: () => own, clientCertificate: "verify" as const, ...server } };
  return startPeer(id, { tls, listener, scheme: "https" });
}

const reasons = (peer: TestPeer): string[] =>
  peer.lines.flatMap(({ message, fields }) =>
    message === "prober detected unhealthy status" ? [String(fields?.error)] : [],
  );

describe("peers over TLS", () => {
  it("know each other by certificates, by address and by name", async () => {
    const a = await startSecure(1, { context: () => own });
    const b = await startSecure(2, { context: () => own });
    for (const url of [b.url, b.url.replace("127.0.0.1", "localhost")]) {
      a.network.setPeers([{ member: two, urls: [url] }]);
      await untilLinked(a, b);
      expect(a.network.send(two, [Buffer.from(url)])).toBe(true);
      await until(() => b.messages.at(-1) === `1:${url}`);
      a.network.setPeers([]);
    }
  });

  it("reads its files again at each attempt", async () => {
    const b = await startSecure(2, { context: () => own });
    let asked = 0;
    const a = await startSecure(1, {
      context: () => {
        asked++;
        if (asked < 5) throw new Error("no such file");
        return own;
      },
    });
    a.network.setPeers([{ member: two, urls: [b.url] }]);
    await untilLinked(a, b);
    expect(asked).toBeGreaterThanOrEqual(5);
  });

  const failing: readonly (readonly [string, PeerTls, Partial<TlsOptions>])[] = [
    ["has no certificate", { context: () => ({ ca }) }, {}],
    ["has one that the server does not want", { context: () => alice }, { checkClient: async () => "not you" }],
    ["does not trust the server's authority", { context: () => ({ ...own, ca: [] }) }, {}],
    ["does not want the server's names", { context: () => own, checkServer: () => new Error("not you") }, {}],
  ];
  for (const [title, tls, server] of failing) {
    it(`do not speak when one ${title}`, async () => {
      const b = await startSecure(2, { context: () => own }, server);
      const a = await startPeer(1, { tls, limits: { probeIntervalMs: 20 } });
      a.network.setPeers([{ member: two, urls: [b.url] }]);
      await until(() => reasons(a).some((reason) => reason !== "not connected yet"));
      expect(a.network.status(two)?.isConnected).toBe(false);
    });
  }

  it("do not speak when the certificate is for another address", async () => {
    const listener = { tls: { context: () => own } };
    const b = await startPeer(2, { listener, scheme: "https", host: "127.0.0.2" });
    const a = await startPeer(1, { tls: { context: () => own }, limits: { probeIntervalMs: 20 } });
    a.network.setPeers([{ member: two, urls: [b.url] }]);
    await until(() => reasons(a).some((reason) => reason.includes("does not match certificate's altnames")));
    expect(a.network.status(two)?.isConnected).toBe(false);
  });

  it("may do without verifying the server", async () => {
    const b = await startSecure(2, { context: () => own });
    const a = await startPeer(1, { tls: { context: () => ({ ...own, ca: [] }), verifiesServer: false } });
    a.network.setPeers([{ member: two, urls: [b.url] }]);
    await untilLinked(a, b);
  });

  it("do not speak in clear with a listener that has TLS", async () => {
    const b = await startSecure(2, { context: () => own });
    const a = await startPeer(1, { limits: { probeIntervalMs: 20 } });
    a.network.setPeers([{ member: two, urls: [b.url.replace("https", "http")] }]);
    await until(() => reasons(a).some((reason) => reason !== "not connected yet"));
    expect(a.network.status(two)?.isConnected).toBe(false);
  });
});
