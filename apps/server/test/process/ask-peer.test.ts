import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { askPeer } from "../../src/process/ask-peer.js";

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/members`;
}

const patient = { timeoutMs: 20_000, tls: undefined };

describe("askPeer", () => {
  it("gives body and headers", async () => {
    const url = await serve((_request, response) => response.setHeader("X-Etcd-Cluster-ID", "c1").end("[]"));
    const answer = await askPeer(url, patient);
    expect([answer.body, answer.header("x-etcd-cluster-id"), answer.header("other")]).toEqual(["[]", "c1", undefined]);
  });

  it("fails on any other status", async () => {
    const url = await serve((_request, response) => response.writeHead(503).end("not started\n"));
    await expect(askPeer(url, patient)).rejects.toThrow("unexpected status 503");
  });

  it("fails when nobody is there", async () => {
    const url = await serve(() => {});
    await new Promise((resolve) => servers.splice(0)[0]?.close(resolve));
    await expect(askPeer(url, patient)).rejects.toThrow("ECONNREFUSED");
  });

  it("does not wait for ever", async () => {
    const url = await serve(() => {});
    await expect(askPeer(url, { ...patient, timeoutMs: 50 })).rejects.toThrow(/abort|timeout/i);
  });

  it("takes no answer that goes on and on", async () => {
    const url = await serve((_request, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536))) {}
      };
      response.on("drain", more);
      more();
    });
    await expect(askPeer(url, patient)).rejects.toThrow("too long");
  });
});
