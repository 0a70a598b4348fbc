/** What the HTTP pages must know of a member. */
export interface MemberView {
  /** Versions as `/version` shows them; undefined while they are not decided. */
  versions(): { readonly server: string; readonly cluster: string | undefined; readonly storage: string | undefined };
  /**
   * Reads one key of this member's own state, with all rights.
   * @returns the text of the error, or undefined when it could be read.
   */
  serializableRead(signal: AbortSignal): Promise<string | undefined>;
  /** As above, but agreed with a majority first; ends within the request timeout. */
  linearizableRead(signal: AbortSignal): Promise<string | undefined>;
  /** Names of the kinds of alarms that are active, each once: "NOSPACE", "CORRUPT", "UNKNOWN". */
  alarms(): readonly string[];
  hasLeader(): boolean;
  isLearner(): boolean;
  /** The state of consensus for `/debug/vars`; plain values only. */
  raftStatus(): Readonly<Record<string, unknown>>;
}
