import { readFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { request as requestHttps } from "node:https";
import { connect } from "node:net";
import { Client, credentials } from "@grpc/grpc-js";
import { afterEach, describe, expect, it } from "vitest";
import {
  createListener,
  GrpcServices,
  type HttpHandler,
  type ListenerOptions,
  type PeerInfo,
  type TlsOptions,
} from "../../src/index.js";
import { realPorts } from "../support/ports.js";

const file = (name: string): Buffer => readFileSync(new URL(`../fixtures/${name}`, import.meta.url));
const serverContext = { cert: file("server.crt"), key: file("server.key"), ca: file("ca.crt") };
const ca = file("ca.crt");

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const run of cleanups.splice(0).reverse()) await run();
});

const site: HttpHandler = async (request, info) =>
  Response.json({
    protocol: info.protocol,
    method: info.method,
    target: info.target,
    host: info.host,
    body: await request.text(),
  });

async function start(
  tls: Partial<TlsOptions> = {},
  options: ListenerOptions = {},
): Promise<{ port: number; peers: PeerInfo[] }> {
  const peers: PeerInfo[] = [];
  const services = new GrpcServices();
  services.unary("/test.Echo/Unary", (call, message) => {
    peers.push(call.peer);
    call.reply(Buffer.from(message));
  });
  const listener = createListener(
    { services, http: site, tls: { context: () => serverContext, ...tls }, ...options },
    realPorts(),
  );
  cleanups.push(() => listener.stop({ graceMs: 0 }));
  return { port: (await listener.listen({ host: "127.0.0.1", port: 0 })).port, peers };
}

function call(port: number, certificate?: string): Promise<string> {
  const key = certificate === undefined ? null : file(`${certificate}.key`);
  const chain = certificate === undefined ? null : file(`${certificate}.crt`);
  const client = new Client(`localhost:${port}`, credentials.createSsl(ca, key, chain));
  cleanups.push(() => client.close());
  const same = (bytes: Buffer): Buffer => bytes;
  return new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + 5000 };
    client.makeUnaryRequest("/test.Echo/Unary", same, same, Buffer.from("over tls"), options, (error, value) =>
      error ? reject(error) : resolve(String(value)),
    );
  });
}

function fetchHttp2(
  port: number,
  headers: Record<string, string>,
  body?: string,
): Promise<{ headers: Record<string, unknown>; body: string }> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(`https://localhost:${port}`, { ca });
    session.on("error", reject);
    const stream = session.request(headers, { endStream: body === undefined });
    let text = "";
    let head: Record<string, unknown> = {};
    stream.on("response", (seen) => {
      head = seen;
    });
    stream.on("data", (chunk) => {
      text += String(chunk);
    });
    stream.on("error", reject);
    stream.on("close", () => {
      session.close();
      resolve({ headers: head, body: text });
    });
    if (body !== undefined) stream.end(body);
  });
}

describe("TLS", () => {
  it("serves gRPC and knows who calls", async () => {
    const { port, peers } = await start({ clientCertificate: "verify" });
    expect(await call(port, "client")).toBe("over tls");
    expect(await call(port, "nocn")).toBe("over tls");
    expect(peers.map((peer) => [peer.isTls, peer.commonName, peer.remoteAddress])).toEqual([
      [true, "alice", "127.0.0.1"],
      [true, undefined, "127.0.0.1"],
    ]);
  });

  it("refuses a client without certificate where one is needed", async () => {
    const { port } = await start({ clientCertificate: "verify" });
    await expect(call(port)).rejects.toThrow();
  });

  it("lets a check refuse a certificate", async () => {
    const { port } = await start({ clientCertificate: "verify", checkClient: () => "not on the list" });
    await expect(call(port, "client")).rejects.toThrow();
  });

  it("hands HTTP/2 without gRPC to the fetch-style handler", async () => {
    const { port } = await start();
    const got = await fetchHttp2(port, { ":method": "GET", ":path": "/version?x" });
    expect(got.headers[":status"]).toBe(200);
    expect(JSON.parse(got.body)).toEqual({
      protocol: "HTTP/2",
      method: "GET",
      target: "/version?x",
      host: `localhost:${port}`,
      body: "",
    });
    const posted = await fetchHttp2(port, { ":method": "POST", ":path": "/p" }, "x".repeat(2_500_000));
    expect(JSON.parse(posted.body).body.length).toBe(2_500_000);
  });

  it("answers gRPC content types as gRPC", async () => {
    const { port } = await start();
    const got = await fetchHttp2(
      port,
      { ":method": "POST", ":path": "/version", "content-type": "application/grpc" },
      "",
    );
    expect([got.headers[":status"], got.headers["grpc-status"], got.headers["grpc-message"]]).toEqual([
      200,
      "12",
      'malformed method name: "/version"',
    ]);
  });

  it("serves HTTP/1.1", async () => {
    const { port } = await start();
    const body = await new Promise<string>((resolve, reject) => {
      const request = requestHttps(
        { host: "localhost", port, path: "/one", method: "POST", ca, agent: false },
        (response) => {
          let text = "";
          response.on("data", (chunk) => {
            text += String(chunk);
          });
          response.on("end", () => resolve(text));
        },
      );
      request.on("error", reject);
      request.end("hello");
    });
    expect(JSON.parse(body)).toMatchObject({ protocol: "HTTP/1.1", target: "/one", body: "hello" });
  });

  for (const text of [
    "GET /version HTTP/1.1\r\nHost: a\r\n\r\n",
    "hello\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  ]) {
    it(`closes a plain connection without an answer: ${JSON.stringify(text.slice(0, 12))}`, async () => {
      const { port } = await start();
      const seen = await new Promise<string>((resolve) => {
        const socket = connect(port, "127.0.0.1");
        let got = "";
        socket.on("data", (chunk) => {
          got += String(chunk);
        });
        socket.on("error", () => {});
        socket.on("close", () => resolve(got));
        socket.write(text);
      });
      expect(seen).toBe("");
    });
  }

  it("asks for the certificate at each handshake", async () => {
    let isBroken = true;
    const { port } = await start({
      context: () => {
        if (isBroken) throw new Error("no such file");
        return serverContext;
      },
    });
    await expect(fetchHttp2(port, { ":path": "/" })).rejects.toThrow();
    isBroken = false;
    expect(await call(port)).toBe("over tls");
  });
});
