import type { LogIndex, MemberId } from "@quorate/common";
import type { Snapshot } from "./conf-change.js";
import type { Entry, HardState } from "./entry.js";
import type { Envelope } from "./message.js";
import type { RaftFault } from "./raft-error.js";
import type { RaftEvent } from "./raft-event.js";
import type { Persisted } from "./raft-input.js";

/** The name of a role. */
export type RoleKind = "follower" | "pre-candidate" | "candidate" | "leader";

/** What the host may want to show or act upon, and need not keep. */
export type SoftState = Readonly<{ leader: MemberId | undefined; role: RoleKind }>;

/** The answer to a read request: it may be served once `index` has been applied. */
export type ReadState = Readonly<{ index: LogIndex; context: Uint8Array }>;

/** What to make durable, in this order: the snapshot, the entries (cutting what was stored from the first one on), the hard state. */
export type PersistRequest = Readonly<{
  hardState: HardState | undefined;
  entries: readonly Entry[];
  snapshot: Snapshot | undefined;
  /** False: nothing here is a promise, so the write may become durable whenever it likes. */
  mustSync: boolean;
  /** Step this when the write, and all before it, is durable. Absent: nobody waits for it. */
  done: Persisted | undefined;
}>;

/** Work for the driver, gathered since the last call, in the order of the fields. The core has done none of it. */
export type Ready = Readonly<{
  /** Present when it changed. */
  softState: SoftState | undefined;
  readStates: readonly ReadState[];
  persist: PersistRequest | undefined;
  /** Safe before the write lands. */
  sendNow: readonly Envelope[];
  /** Votes and acknowledgements: promises that must survive a crash. `persist` is present when this is not empty. */
  sendAfterPersist: readonly Envelope[];
  /** Apply once, in order, then step "applied". */
  committed: readonly Entry[];
  /** What the core will not carry, each with its reason. */
  refused: readonly RaftFault[];
  events: readonly RaftEvent[];
}>;
