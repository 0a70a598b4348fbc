import { once } from "node:events";
import { Client, type ClientDuplexStream, credentials, Metadata as JsMetadata, type ServiceError } from "@grpc/grpc-js";
import { afterEach, describe, expect, it } from "vitest";
import { Code, createListener, GrpcServices, type Listener, type Limits, Metadata } from "../src/index.js";
import { realPorts } from "./support/ports.js";

const raw = (bytes: Buffer): Buffer => bytes;

function echoServices(): GrpcServices {
  const services = new GrpcServices();
  services.unary("/test.Echo/Unary", (call, message) => call.reply(Buffer.from(message)));
  services.unary("/test.Echo/Later", (call, message) => {
    const copy = Buffer.from(message);
    setTimeout(() => call.reply(copy), 5);
  });
  services.unary("/test.Echo/Never", () => {});
  services.unary("/test.Echo/Fail", (call) =>
    call.fail(
      { code: Code.NotFound, message: "not here: 100% ü\n" },
      new Metadata([
        ["why", "because"],
        ["raw-bin", Buffer.from([0, 255])],
      ]),
    ),
  );
  services.unary("/test.Echo/Meta", (call) => {
    call.setHead(new Metadata([["head", String(call.metadata.get("question"))]]));
    const [bytes] = call.metadata.getBinary("data-bin");
    call.reply(Buffer.from("x"), new Metadata([["tail-bin", bytes ?? Buffer.alloc(0)]]));
  });
  services.serverStream("/test.Echo/Count", (call, message) => {
    const total = Buffer.from(message).readUInt32BE(0);
    let i = 0;
    const next = (): void => {
      while (i < total) if (!call.send(Buffer.alloc(1000, i++))) return;
      call.end();
    };
    call.onDrain(next);
    next();
  });
  services.clientStream("/test.Echo/Sum", (call) => {
    let sum = 0;
    call.onMessage((message) => {
      sum += message.length;
    });
    call.onHalfClose(() => {
      call.send(Buffer.from(String(sum)));
      call.end();
    });
  });
  services.bidi("/test.Echo/Bidi", (call) => {
    call.onMessage((message) => call.send(Buffer.from(message)));
    call.onHalfClose(() => call.end());
  });
  return services;
}

describe("grpc-js against the engine", () => {
  const cleanups: (() => unknown)[] = [];
  afterEach(async () => {
    for (const run of cleanups.splice(0).reverse()) await run();
  });

  async function start(limits: Partial<Limits> = {}): Promise<{ client: Client; listener: Listener; port: number }> {
    const listener = createListener({ services: echoServices(), limits }, realPorts());
    const { port } = await listener.listen({ host: "127.0.0.1", port: 0 });
    const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
    });
    cleanups.push(
      () => listener.stop({ graceMs: 0 }),
      () => client.close(),
    );
    return { client, listener, port };
  }

  function unary(
    client: Client,
    path: string,
    message: Buffer,
    metadata = new JsMetadata(),
    options = {},
  ): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, raw, raw, message, metadata, options, (error, value) =>
        error ? reject(error) : resolve(value as Buffer),
      );
    });
  }

  it("answers unary calls, small and larger than every window", async () => {
    const { client } = await start();
    expect((await unary(client, "/test.Echo/Unary", Buffer.from("hello"))).toString()).toBe("hello");
    expect((await unary(client, "/test.Echo/Unary", Buffer.alloc(0))).length).toBe(0);
    const large = Buffer.alloc(3_000_000, "abc");
    expect((await unary(client, "/test.Echo/Unary", large)).equals(large)).toBe(true);
  });

  it("answers many calls at once", async () => {
    const { client } = await start();
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        unary(client, i % 2 ? "/test.Echo/Unary" : "/test.Echo/Later", Buffer.from(`n${i}`)),
      ),
    );
    expect(answers.map(String)).toEqual(Array.from({ length: 200 }, (_, i) => `n${i}`));
  });

  it("sends statuses, messages and trailers", async () => {
    const { client } = await start();
    const error = (await unary(client, "/test.Echo/Fail", Buffer.alloc(0)).catch((e: unknown) => e)) as ServiceError;
    expect(error.code).toBe(Code.NotFound);
    expect(error.details).toBe("not here: 100% ü\n");
    expect(error.metadata.get("why")).toEqual(["because"]);
    expect(error.metadata.get("raw-bin")).toEqual([Buffer.from([0, 255])]);
    const unknown = (await unary(client, "/no.Service/M", Buffer.alloc(0)).catch((e: unknown) => e)) as ServiceError;
    expect([unknown.code, unknown.details]).toEqual([Code.Unimplemented, "unknown service no.Service"]);
  });

  it("carries metadata both ways", async () => {
    const { client } = await start();
    const metadata = new JsMetadata();
    metadata.set("question", "why");
    metadata.set("data-bin", Buffer.from([1, 2, 254]));
    const seen: Record<string, unknown> = {};
    await new Promise<void>((resolve, reject) => {
      const call = client.makeUnaryRequest(
        "/test.Echo/Meta",
        raw,
        raw,
        Buffer.alloc(0),
        metadata,
        (error) => error && reject(error),
      );
      call.on("metadata", (m: JsMetadata) => {
        seen.head = m.get("head");
      });
      call.on("status", (status) => {
        seen.tail = status.metadata.get("tail-bin");
        resolve();
      });
    });
    expect(seen).toEqual({ head: ["why"], tail: [Buffer.from([1, 2, 254])] });
  });

  it("streams replies through flow control", async () => {
    const { client } = await start();
    const count = Buffer.alloc(4);
    count.writeUInt32BE(2000);
    const call = client.makeServerStreamRequest("/test.Echo/Count", raw, raw, count);
    let messages = 0;
    for await (const message of call) expect((message as Buffer)[0]).toBe(messages++ & 0xff);
    expect(messages).toBe(2000);
  });

  it("takes a stream of requests", async () => {
    const { client } = await start();
    const answer = new Promise<string>((resolve, reject) => {
      const call = client.makeClientStreamRequest("/test.Echo/Sum", raw, raw, (error, value) =>
        error ? reject(error) : resolve(String(value)),
      );
      for (let i = 0; i < 300; i++) call.write(Buffer.alloc(10_000));
      call.end();
    });
    expect(await answer).toBe("3000000");
  });

  it("streams both ways", async () => {
    const { client } = await start();
    const call: ClientDuplexStream<Buffer, Buffer> = client.makeBidiStreamRequest("/test.Echo/Bidi", raw, raw);
    const seen: string[] = [];
    call.on("data", (message: Buffer) => {
      seen.push(message.toString());
      if (seen.length < 5) call.write(Buffer.from(`m${seen.length}`));
      else call.end();
    });
    call.write(Buffer.from("m0"));
    await once(call, "end");
    expect(seen).toEqual(["m0", "m1", "m2", "m3", "m4"]);
  });

  it("ends calls at their deadline and on cancel", async () => {
    const { client, listener } = await start();
    const late = (await unary(client, "/test.Echo/Never", Buffer.alloc(0), new JsMetadata(), {
      deadline: Date.now() + 60,
    }).catch((e: unknown) => e)) as ServiceError;
    expect(late.code).toBe(Code.DeadlineExceeded);
    const cancelled = await new Promise<ServiceError | null>((resolve) => {
      const call = client.makeUnaryRequest("/test.Echo/Never", raw, raw, Buffer.alloc(0), (error) => resolve(error));
      setTimeout(() => call.cancel(), 20);
    });
    expect(cancelled?.code).toBe(Code.Canceled);
    await expect.poll(() => listener.stats().streams).toBe(0);
  });
});
