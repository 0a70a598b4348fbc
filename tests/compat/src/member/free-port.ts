import { createServer } from "node:net";

// Ports given out by this process, so that two members that start at the same moment do not get the same one.
const givenOut = new Set<number>();

/** A TCP port of 127.0.0.1 that nobody listens on now, and that this process has not given out before. */
export async function findFreePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = await new Promise<number>((resolve, reject) => {
      const server = createServer();
      server.once("error", reject);
      server.listen(0, "127.0.0.1", () => {
        const address = server.address();
        server.close(() => (typeof address === "object" && address !== null ? resolve(address.port) : reject(address)));
      });
    });
    if (givenOut.has(port)) continue;
    givenOut.add(port);
    return port;
  }
  throw new Error("no free port in 100 attempts");
}
