import type { LogIndex } from "@quorate/common";
import type { WatchHub } from "@quorate/mvcc";
import type { MemoryLog, RaftNode } from "@quorate/raft";
import type { Wal } from "@quorate/wal";
import type { MemberState } from "./member-state.js";
import type { RequestSerial } from "./request-serial.js";
import type { Watch } from "./watch-streams.js";

/** What a core is made of. */
export type CoreParts = Readonly<{
  state: MemberState;
  raft: RaftNode;
  log: MemoryLog;
  wal: Wal;
  hub: WatchHub<Watch>;
  serial: RequestSerial;
  /** The last snapshot that the log knows of; 0 when there is none. */
  markedIndex: LogIndex;
}>;
