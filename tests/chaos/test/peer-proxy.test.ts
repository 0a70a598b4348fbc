import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { findFreePort } from "@quorate/tests-compat";
import { expect, it } from "vitest";
import { PeerProxy } from "../src/index.js";

/** A server that sends back what it gets. */
async function startEcho(): Promise<{ port: number; close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = (): void => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { port: (server.address() as AddressInfo).port, close };
}

/** Sends a word. @returns the answer, or why there is none: the error's code, or "silence" after a while. */
function ask(port: number, word: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const end = (answer: string): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(300, () => end("silence"));
    socket.on("data", (chunk) => end(chunk.toString()));
    socket.on("error", (error: NodeJS.ErrnoException) => end(error.code ?? "error"));
    socket.on("close", () => end("closed"));
    socket.write(word);
  });
}

it("cuts the link from one process and leaves that of others alone", async () => {
  const echo = await startEcho();
  const own = await findFreePort();
  const us = new Map([["us", process.pid]]);
  const proxy = await PeerProxy.start({ own, target: echo.port }, () => us);
  try {
    expect(await ask(proxy.port, "one")).toBe("one");
    proxy.cut("them", "reset");
    expect(await ask(proxy.port, "two")).toBe("two");
    proxy.cut("us", "silent");
    expect(await ask(proxy.port, "three")).toBe("silence");
    proxy.cut("us", "reset");
    expect(await ask(proxy.port, "four")).toBe("ECONNRESET");
    proxy.heal();
    expect(await ask(proxy.port, "five")).toBe("five");
  } finally {
    await proxy.close();
    echo.close();
  }
});
