import { readFileSync } from "node:fs";
import { Client, credentials, type ServiceError } from "@grpc/grpc-js";
import { expect, it, vi } from "vitest";
import { Code } from "../src/index.js";

it("the example in the README is the one that is compiled and run here", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const example = readFileSync(new URL("./readme-example.ts", import.meta.url), "utf8");
  const fence = /```ts\n([\s\S]*?)```/.exec(readme)?.[1];
  expect(example).toBe(fence?.replace('"@quorate/transport"', '"../src/index.js"'));

  const log = vi.spyOn(console, "log").mockImplementation(() => {});
  const { listener, port } = await import("./readme-example.js");
  expect(log.mock.calls).toEqual([["serving"]]);

  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const same = (bytes: Buffer): Buffer => bytes;
  const greet = (name: string): Promise<string> =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest("/demo.Greeter/Greet", same, same, Buffer.from(name), (error, value) =>
        error ? reject(error) : resolve(String(value)),
      );
    });
  expect(await greet("you")).toBe("hello you");
  expect(((await greet("").catch((error: unknown) => error)) as ServiceError).code).toBe(Code.InvalidArgument);
  const chat = client.makeBidiStreamRequest("/demo.Greeter/Chat", same, same);
  chat.write(Buffer.from("abc"));
  chat.end();
  const answers: string[] = [];
  for await (const message of chat) answers.push(String(message));
  expect(answers).toEqual(["cba"]);
  expect(await (await fetch(`http://127.0.0.1:${port}/page`)).text()).toBe("no gRPC at /page\n");
  client.close();
  await listener.stop({ graceMs: 0 });
});
