import { rmSync } from "node:fs";
import { createServer as createHttp1 } from "node:http";
import { type AddressInfo, createServer as createTcp } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CallFailure, parseEndpoint, type Transport } from "@quorate/client";
import { describe, expect, it } from "vitest";
import { openHttp2Transport } from "../../src/connection/http2-transport.js";
import type { TransportOptions } from "../../src/connection/transport-options.js";
import { FakeServer, framed, pem, type ServerCall } from "../fake-server.js";

const path = "/etcdserverpb.KV/Put";
const settings = { metadata: new Map([["token", "t1"]]), timeoutMs: 20_000, signal: undefined };
const bytes = (text: string) => new TextEncoder().encode(text);

function open(url: string, options: Partial<TransportOptions> = {}): Transport & Disposable {
  const transport = openHttp2Transport(parseEndpoint(url, false), {
    tls: undefined,
    connectTimeoutMs: 20_000,
    pings: { everyMs: 20_000, timeoutMs: 20_000 },
    requestBytesMax: 2 ** 21,
    answerBytesMax: 2 ** 31 - 1,
    ...options,
  });
  return Object.assign(transport, { [Symbol.dispose]: () => transport.close() });
}

/** Asks once. */
async function ask(transport: Transport, message = bytes("m"), change: object = {}): Promise<CallFailure | string> {
  const outcome = await transport.unary(path, message, { ...settings, ...change });
  return outcome.kind === "answer" ? Buffer.from(outcome.message).toString() : outcome.failure;
}

const echo = (call: ServerCall) => {
  call.send(Buffer.concat([bytes("re: "), call.messages[0] ?? Buffer.alloc(0)]));
  call.end();
};

describe("unary", () => {
  it("sends one message with metadata and deadline, and gives the answer", async () => {
    await using server = await FakeServer.start(echo);
    using transport = open(server.address);
    expect(await ask(transport)).toBe("re: m");
    const headers = server.calls[0]?.headers;
    expect(headers).toMatchObject({ token: "t1", te: "trailers", "content-type": "application/grpc" });
    expect(headers?.["grpc-timeout"]).toMatch(/^\d+m$/);
  });

  it("makes one connection for all calls", async () => {
    await using server = await FakeServer.start(echo);
    using transport = open(server.address);
    await Promise.all(["a", "b", "c"].map((text) => ask(transport, bytes(text))));
    expect(server.connections).toBe(1);
  });

  it("gives a refusal with its text, whatever letters it has", async () => {
    await using server = await FakeServer.start((call) => call.end(3, 'etcdserver: "100%" é'));
    using transport = open(server.address);
    expect(await ask(transport)).toEqual({ status: 3, message: 'etcdserver: "100%" é', wasSent: true });
  });

  it("gives a refusal that comes after a message", async () => {
    await using server = await FakeServer.start((call) => {
      call.send(bytes("half"));
      call.end(13, "then it broke");
    });
    using transport = open(server.address);
    expect(await ask(transport)).toMatchObject({ status: 13, message: "then it broke" });
  });

  it("carries large messages both ways", async () => {
    await using server = await FakeServer.start(echo);
    using transport = open(server.address, { requestBytesMax: 2 ** 24 });
    const large = "x".repeat(5_000_000);
    expect(await ask(transport, bytes(large))).toBe(`re: ${large}`);
  });

  it("sends nothing that is too large", async () => {
    await using server = await FakeServer.start(echo);
    using transport = open(server.address, { requestBytesMax: 10 });
    const message = "trying to send message larger than max (11 vs. 10)";
    expect(await ask(transport, bytes("x".repeat(11)))).toEqual({ status: 8, message, wasSent: false });
    expect(await ask(transport, bytes("x".repeat(10)))).toBe("re: xxxxxxxxxx");
  });

  it("takes no answer that is too large", async () => {
    await using server = await FakeServer.start(echo);
    using transport = open(server.address, { answerBytesMax: 10 });
    const message = "grpc: received message larger than max (11 vs. 10)";
    expect(await ask(transport, bytes("x".repeat(7)))).toMatchObject({ status: 8, message });
  });

  it("ends at the deadline, and says whether the request had left", async () => {
    await using server = await FakeServer.start(() => {});
    using transport = open(server.address);
    expect(await ask(transport, undefined, { timeoutMs: 300 })).toMatchObject({ status: 4, wasSent: true });
    expect(await ask(transport, undefined, { timeoutMs: 0 })).toMatchObject({ status: 4, wasSent: false });
  });

  it("ends with its signal", async () => {
    const over = new AbortController();
    await using server = await FakeServer.start(() => over.abort());
    using transport = open(server.address);
    expect(await ask(transport, undefined, { signal: over.signal })).toMatchObject({ status: 1, wasSent: true });
    expect(await ask(transport, undefined, { signal: over.signal })).toMatchObject({ status: 1, wasSent: false });
  });

  it("fails as unsent after it was closed", async () => {
    await using server = await FakeServer.start(echo);
    const transport = open(server.address);
    transport.close();
    expect(await ask(transport)).toMatchObject({ status: 14, wasSent: false });
  });
});

describe("a member that stops", () => {
  it("before an answer: the request may have been carried out", async () => {
    await using server = await FakeServer.start((call) => call.session.destroy());
    using transport = open(server.address);
    expect(await ask(transport)).toMatchObject({ status: 14, wasSent: true });
  });

  it("in the middle of a message", async () => {
    await using server = await FakeServer.start((call) => {
      call.stream.respond({ ":status": 200, "content-type": "application/grpc" });
      call.stream.write(framed(bytes("whole")).subarray(0, 7), () => call.session.destroy());
    });
    using transport = open(server.address);
    expect(await ask(transport)).toMatchObject({ status: 14, wasSent: true });
  });

  it("that ends the answer in the middle of a message, with status OK", async () => {
    await using server = await FakeServer.start((call) => {
      call.stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      call.stream.on("wantTrailers", () => call.stream.sendTrailers({ "grpc-status": "0" }));
      call.stream.end(framed(bytes("whole")).subarray(0, 7));
    });
    using transport = open(server.address);
    const message = "the answer ends in the middle of a message";
    expect(await ask(transport)).toEqual({ status: 13, message, wasSent: true });
  });

  it("that refuses a stream has not looked at it", async () => {
    await using server = await FakeServer.start((call) => call.stream.close(7));
    using transport = open(server.address);
    expect(await ask(transport)).toMatchObject({ status: 14, wasSent: false });
  });

  it("and comes back is connected to again", async () => {
    let count = 0;
    await using server = await FakeServer.start((call) => {
      count += 1;
      if (count === 1) call.session.destroy();
      else echo(call);
    });
    using transport = open(server.address);
    await ask(transport);
    expect(await ask(transport)).toBe("re: m");
  });

  it("and says nothing any more is given up while a call is open", async () => {
    const held: { end(): void }[] = [];
    // Speaks HTTP/2 once, then never again: neither to calls nor to pings.
    const server = createTcp((socket) => {
      socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
      held.push(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    using transport = open(`127.0.0.1:${(server.address() as AddressInfo).port}`, {
      pings: { everyMs: 20, timeoutMs: 20 },
    });
    const failure = await ask(transport);
    expect(failure).toMatchObject({ status: 14, message: "error reading from server: no sign of life within 20 ms" });
    for (const socket of held) socket.end();
    server.close();
  });
});

describe("no connection", () => {
  it("to a port where nobody listens", async () => {
    using transport = open("127.0.0.1:1");
    const failure = await ask(transport);
    expect(failure).toMatchObject({ status: 14, wasSent: false });
    expect((failure as CallFailure).message).toContain("nobody listens there");
  });

  it("to a server that never speaks HTTP/2", async () => {
    const server = createTcp(() => {});
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    using transport = open(`127.0.0.1:${(server.address() as AddressInfo).port}`, { connectTimeoutMs: 50 });
    expect(await ask(transport)).toEqual({ status: 14, message: "no connection within 50 ms", wasSent: false });
    server.close();
  });

  it("to a web server of HTTP/1", async () => {
    const server = createHttp1((_request, response) => response.end("hello"));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    using transport = open(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    expect(await ask(transport)).toMatchObject({ status: 14, wasSent: false });
    server.close();
  });

  it("but an answer that is not gRPC: says so", async () => {
    await using server = await FakeServer.start((call) => {
      call.stream.respond({ ":status": 200, "content-type": "text/html" });
      call.stream.end("<html>");
    });
    using transport = open(server.address);
    expect(await ask(transport)).toMatchObject({ message: expect.stringContaining("is a member listening there?") });
  });
});

describe("TLS", () => {
  const ca = pem("ca.crt");

  it("with the authority of the member's certificate", async () => {
    await using server = await FakeServer.start(echo, { tls: "server" });
    using transport = open(`https://${server.address}`, { tls: { ca } });
    expect(await ask(transport)).toBe("re: m");
  });

  it("for addresses without a scheme, if TLS is asked for", async () => {
    await using server = await FakeServer.start(echo, { tls: "server" });
    using transport = open(server.address, { tls: { insecureSkipVerify: true } });
    expect(await ask(transport)).toBe("re: m");
  });

  it("but not for addresses with http", async () => {
    await using server = await FakeServer.start(echo);
    using transport = open(`http://${server.address}`, { tls: { ca } });
    expect(await ask(transport)).toBe("re: m");
  });

  it("with a client certificate", async () => {
    await using server = await FakeServer.start(echo, { tls: "mutual" });
    using transport = open(`https://${server.address}`, {
      tls: { ca, cert: pem("client.crt"), key: pem("client.key") },
    });
    expect(await ask(transport)).toBe("re: m");
  });

  const hints: [string, "server" | "mutual" | undefined, string, TransportOptions["tls"], RegExp][] = [
    ["an authority that is not known", "server", "https", undefined, /name the authority .* with --cacert/],
    ["a client certificate that is missing", "mutual", "https", { ca }, /certificate/],
    ["TLS to a member without", undefined, "https", { ca }, /use http:\/\//],
    ["no TLS to a member with", "server", "http", undefined, /does the member want TLS/],
  ];
  for (const [what, tls, scheme, settingsOfTls, hint] of hints) {
    it(`says what to do about ${what}, and has sent nothing`, async () => {
      await using server = await FakeServer.start(echo, tls === undefined ? {} : { tls });
      using transport = open(`${scheme}://${server.address}`, { tls: settingsOfTls });
      const failure = await ask(transport);
      expect(failure).toMatchObject({ status: 14, wasSent: false });
      expect((failure as CallFailure).message).toMatch(hint);
    });
  }
});

it("speaks over sockets in the file system", async () => {
  const socket = join(tmpdir(), `quorate-ctl-${process.pid}.sock`);
  rmSync(socket, { force: true });
  await using server = await FakeServer.start(echo, { path: socket });
  using transport = open(server.address);
  expect(await ask(transport)).toBe("re: m");
});

describe("streams", () => {
  it("give messages in order, cut as they may be, and hold the member up while paused", async () => {
    const count = 2_000;
    await using server = await FakeServer.start((call) => {
      call.stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      call.stream.on("wantTrailers", () => call.stream.sendTrailers({ "grpc-status": "0" }));
      const all = Buffer.concat(Array.from({ length: count }, (_one, index) => framed(bytes(`message ${index}`))));
      for (let at = 0; at < all.length; at += 777) call.stream.write(all.subarray(at, at + 777));
      call.stream.end();
    });
    using transport = open(server.address);
    const got: string[] = [];
    const failure = await new Promise<CallFailure | undefined>((resolve) => {
      const stream = transport.serverStream(path, bytes("m"), settings, {
        onMessage(message) {
          got.push(Buffer.from(message).toString());
          if (got.length % 500 !== 0) return;
          stream.pause();
          setImmediate(() => stream.resume());
        },
        onEnd: resolve,
      });
    });
    expect(failure).toBeUndefined();
    expect(got).toEqual(Array.from({ length: count }, (_one, index) => `message ${index}`));
  });

  it("that are written before there is a connection keep their order", async () => {
    await using server = await FakeServer.start((call) => {
      for (const message of call.messages) call.send(message);
      call.end();
    });
    using transport = open(server.address);
    const got: string[] = [];
    await new Promise<void>((resolve) => {
      const stream = transport.bidi(path, settings, {
        onMessage: (message) => got.push(Buffer.from(message).toString()),
        onEnd: () => resolve(),
      });
      for (const text of ["a", "b", "c"]) stream.send(bytes(text));
      stream.endSending();
    });
    expect(got).toEqual(["a", "b", "c"]);
  });

  it("tell their end once, also when they are cancelled", async () => {
    await using server = await FakeServer.start((call) => call.send(bytes("a")));
    using transport = open(server.address);
    const ends: unknown[] = [];
    await new Promise<void>((resolve) => {
      const stream = transport.serverStream(path, bytes("m"), settings, {
        onMessage() {
          stream.cancel();
          stream.cancel();
          resolve();
        },
        onEnd: (failure) => ends.push(failure?.status),
      });
    });
    await server[Symbol.asyncDispose]();
    expect(ends).toEqual([1]);
  });
});
