import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { findFreePort } from "@quorate/tests-compat";
import { expect, it } from "vitest";
import { cutUs } from "./readme-example.js";

it("the example in the README is the one that is compiled and run here", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const example = readFileSync(new URL("readme-example.ts", import.meta.url), "utf8");
  expect(/```ts\n([\s\S]*?)```/.exec(readme)?.[1]).toBe(example.replace("../src/index.js", "@quorate/tests-chaos"));
  const proxy = await cutUs(await findFreePort(), await findFreePort());
  const socket = connect(proxy.port, "127.0.0.1");
  const ended = new Promise((resolve) => socket.once("close", resolve));
  socket.on("error", () => {}); // nobody listens behind the proxy
  await ended;
  await proxy.close();
});
