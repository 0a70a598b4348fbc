import type { PeerTls } from "@quorate/transport";
import type { Config } from "./config/config.js";

/** How this member speaks with peers at `https` URLs. */
export function peerTlsOf(_config: Config): PeerTls | undefined {
  return undefined;
}
