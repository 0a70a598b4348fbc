import { connect } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createListener, type HttpHandler, type Listener } from "../../src/index.js";
import { realPorts } from "../support/ports.js";

const running: Listener[] = [];
afterEach(async () => {
  for (const listener of running.splice(0)) await listener.stop({ graceMs: 0 });
});

/** A small site: says what it saw, reads bodies where asked to. */
const site: HttpHandler = async (request, info) => {
  if (info.target === "/read") {
    try {
      return new Response(await request.text());
    } catch (error) {
      return Response.json({ message: (error as Error).message }, { status: 400 });
    }
  }
  if (info.target === "/stream") {
    let i = 0;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await new Promise((resolve) => setImmediate(resolve));
        await new Promise((resolve) => setImmediate(resolve));
        if (i++ < 3) controller.enqueue(Buffer.from(`part ${i}\n`));
        else controller.close();
      },
    });
    return new Response(body);
  }
  if (info.target === "/boom") throw new Error("boom");
  return Response.json({
    method: info.method,
    target: info.target,
    host: info.host,
    protocol: info.protocol,
    query: new URL(request.url).search,
  });
};

async function start(handler: HttpHandler = site): Promise<number> {
  const listener = createListener({ http: handler }, realPorts());
  running.push(listener);
  return (await listener.listen({ host: "127.0.0.1", port: 0 })).port;
}

/** Sends bytes and gives back all that comes until the end. `onText` may send more. */
function exchange(
  port: number,
  text: string,
  onText?: (seen: string, send: (more: string) => void) => void,
): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let seen = "";
    socket.on("data", (chunk) => {
      seen += chunk.toString("latin1");
      onText?.(seen, (more) => socket.write(more));
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(seen));
    socket.write(Buffer.from(text, "latin1"));
  });
}

const bodyOf = (answer: string): string => answer.slice(answer.indexOf("\r\n\r\n") + 4);

describe("HTTP/1.1 through a fetch-style handler", () => {
  it("answers with status, headers and body, and keeps the target as sent", async () => {
    const port = await start();
    const answer = await exchange(port, "GET /./version?x=1 HTTP/1.1\r\nHost: a:1\r\nConnection: close\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(answer.toLowerCase()).toContain("content-length: ");
    expect(JSON.parse(bodyOf(answer))).toEqual({
      method: "GET",
      target: "/./version?x=1",
      host: "a:1",
      protocol: "HTTP/1.1",
      query: "?x=1",
    });
  });

  it("reads bodies, plain and chunked", async () => {
    const port = await start();
    const head = "POST /read HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
    expect(bodyOf(await exchange(port, `${head}Content-Length: 5\r\n\r\nhello`))).toBe("hello");
    expect(
      bodyOf(
        await exchange(
          port,
          `${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3\r\n you\r\n`.replace("3\r\n", "4\r\n") +
            "0\r\n\r\n",
        ),
      ),
    ).toBe("hello you");
  });

  it("streams a body of unknown length", async () => {
    const port = await start();
    const answer = await exchange(port, "GET /stream HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    expect(answer.toLowerCase()).toContain("transfer-encoding: chunked");
    expect(bodyOf(answer)).toBe("7\r\npart 1\n\r\n7\r\npart 2\n\r\n7\r\npart 3\n\r\n0\r\n\r\n");
  });

  it("serves several requests of one connection", async () => {
    const port = await start();
    const answer = await exchange(
      port,
      "GET /a HTTP/1.1\r\nHost: a\r\n\r\nPOST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiGET /c HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    expect([...answer.matchAll(/"target":"([^"]*)"/g)].map((match) => match[1])).toEqual(["/a", "/c"]);
    expect(answer).toContain("\r\n\r\nhi");
  });

  it("sends 100 Continue only when the handler reads the body", async () => {
    const port = await start();
    const head = (path: string): string =>
      `POST ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n`;
    let isSent = false;
    const read = await exchange(port, head("/read"), (seen, send) => {
      if (isSent || !seen.startsWith("HTTP/1.1 100 Continue\r\n\r\n")) return;
      isSent = true;
      send("ok");
    });
    expect(read).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
    const unread = await exchange(port, head("/other"));
    expect(unread).toMatch(/^HTTP\/1\.1 200 OK/);
  });

  it("answers other expectations with 417 and takes an empty one for none", async () => {
    const port = await start();
    const answer = await exchange(port, "GET /x HTTP/1.1\r\nHost: a\r\nExpect: banana\r\n\r\n");
    expect(answer).toMatch(/^HTTP\/1\.1 417 /);
    expect(bodyOf(answer)).toBe("");
    expect(await exchange(port, "GET /x HTTP/1.1\r\nHost: a\r\nExpect: \r\nConnection: close\r\n\r\n")).toMatch(
      /^HTTP\/1\.1 200 /,
    );
  });

  it("answers 500 when the handler fails", async () => {
    const port = await start();
    expect(await exchange(port, "GET /boom HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")).toMatch(
      /^HTTP\/1\.1 500 [\s\S]*Internal Server Error\n$/,
    );
  });

  it("aborts the request's signal when the client goes", async () => {
    let aborted: () => void = () => {};
    const gone = new Promise<void>((resolve) => {
      aborted = resolve;
    });
    const port = await start((request) => {
      request.signal.addEventListener("abort", () => aborted());
      return new Promise(() => {});
    });
    const socket = connect(port, "127.0.0.1");
    socket.write("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n");
    setTimeout(() => socket.destroy(), 20);
    await gone;
  });

  const closed: [string, string][] = [
    ["an empty first line", "\r\n\r\nGET /version HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"],
    ["a line without target", "GET\r\n\r\n"],
    ["another major version", "GET /version HTTP/3.0\r\nHost: a\r\n\r\n"],
    ["a space in the target", "GET /ver sion HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"],
    ["a very long path", `GET /${"x".repeat(10_000)} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`],
  ];
  for (const [title, text] of closed) {
    it(`closes without an answer: ${title}`, async () => {
      expect(await exchange(await start(), text)).toBe("");
    });
  }

  const refused: [string, string, number, string][] = [
    [
      "a broken header name",
      "GET /version HTTP/1.1\r\nHost: a\r\nBad Header: x\r\n\r\n",
      400,
      "400 Bad Request: invalid header name",
    ],
    ["a header without colon", "GET /version HTTP/1.1\r\nHost: a\r\nNoColon\r\n\r\n", 400, "400 Bad Request"],
    [
      "a NUL in a header",
      "GET /version HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: \0\r\n\r\n",
      400,
      "400 Bad Request",
    ],
    ["a length that is none", "POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n{}", 400, "400 Bad Request"],
    [
      "two lengths",
      "POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
      400,
      "400 Bad Request",
    ],
    [
      "an unknown coding",
      "POST /read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: banana\r\n\r\n{}",
      501,
      "Unsupported transfer encoding",
    ],
    [
      "a target that is no path",
      "GET version HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
      400,
      "400 Bad Request",
    ],
    ["no host", "GET /x HTTP/1.1\r\nConnection: close\r\n\r\n", 400, "400 Bad Request: missing required Host header"],
    ["two hosts", "GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "400 Bad Request"],
    [
      "too many header bytes",
      `GET /version HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX-Big: ${"x".repeat(1_200_000)}\r\n\r\n`,
      431,
      "431 Request Header Fields Too Large",
    ],
    [
      "a broken chunk length",
      "POST /read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n{}",
      400,
      '{"message":"invalid byte in chunk length"}',
    ],
  ];
  for (const [title, text, status, body] of refused) {
    it(`answers ${status}: ${title}`, async () => {
      const answer = await exchange(await start(), text);
      expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
      expect(bodyOf(answer)).toBe(body);
    });
  }

  it("takes a megabyte of headers, unknown methods, OPTIONS * and CONNECT", async () => {
    const port = await start();
    const end = "Connection: close\r\n\r\n";
    expect(await exchange(port, `GET /x HTTP/1.1\r\nHost: a\r\nX-Big: ${"x".repeat(1_000_000)}\r\n${end}`)).toMatch(
      /^HTTP\/1\.1 200/,
    );
    expect(bodyOf(await exchange(port, `get /x HTTP/1.1\r\nHost: a\r\n${end}`))).toContain('"method":"get"');
    expect(bodyOf(await exchange(port, `OPTIONS * HTTP/1.1\r\nHost: a\r\n${end}`))).toContain('"target":"*"');
    expect(bodyOf(await exchange(port, `CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n${end}`))).toContain('"method":"CONNECT"');
  });

  it("reads a short body that nobody wants, and closes on a long one", async () => {
    const port = await start();
    const post = (length: number): string =>
      `POST /other HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n${"x".repeat(length)}`;
    const next = "GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    expect(await exchange(port, `${post(1000)}${next}`)).toContain('"target":"/next"');
    expect(await exchange(port, `${post(5_000_000)}${next}`)).not.toContain('"target":"/next"');
  });

  it("ignores an upgrade to HTTP/2 and a gRPC content type", async () => {
    const port = await start();
    const upgrade =
      "Connection: close, Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n";
    expect(bodyOf(await exchange(port, `GET /a HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n`))).toContain('"target":"/a"');
    const grpc = "POST /t.S/Echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc\r\nConnection: close\r\n\r\n";
    expect(bodyOf(await exchange(port, grpc))).toContain('"target":"/t.S/Echo"');
  });

  it("closes a request head that does not end in time", async () => {
    const listener = createListener({ http: site, limits: { headersMs: 100 } }, realPorts());
    running.push(listener);
    const { port } = await listener.listen({ host: "127.0.0.1", port: 0 });
    expect(await exchange(port, "GET /slow HTTP/1.1\r\nHost: a\r\n")).toBe("");
  });
});
