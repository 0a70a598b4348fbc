import { PeerProxy } from "../src/index.js";

export async function cutUs(port: number, target: number): Promise<PeerProxy> {
  const proxy = await PeerProxy.start({ own: port, target }, () => new Map([["us", process.pid]]));
  proxy.cut("us", "silent");
  return proxy;
}
