import type { Clock, Logger, MemberId, PeerReceiver } from "@quorate/common";
import type { PeerIdentity } from "./handshake.js";
import type { PeerLimits } from "./peer-limits.js";
import type { PeerMetrics } from "./peer-metrics.js";

/** What the answering side asks of the network. */
export interface ServiceHost {
  readonly identity: PeerIdentity;
  readonly limits: PeerLimits;
  readonly metrics: PeerMetrics;
  readonly clock: Clock;
  readonly logger: Logger;
  receiver(): PeerReceiver | undefined;
  isRemoved(member: MemberId): boolean;
  /** That member has just come to us. */
  heardFrom(member: MemberId): void;
}
