/** One thing that a client does. Members and keys are picks: numbers that are taken modulo what there is when it happens. */
export type ClientAction = Readonly<
  | { kind: "put"; key: number; bytes: number; lease: number | undefined }
  | { kind: "delete"; key: number; keys: number }
  | { kind: "range"; key: number; keys: number; isSerializable: boolean; revisionsBack: number }
  /** Sets a key if it is as this client saw it last, and reads it otherwise. */
  | { kind: "swap"; key: number; other: number; bytes: number; guard: "mod" | "version" | "value" }
  | { kind: "grant"; lease: number; ttlSeconds: number }
  | { kind: "keep-alive"; lease: number }
  | { kind: "revoke"; lease: number }
  | { kind: "compact"; revisionsBack: number }
  | { kind: "hash" }
  | { kind: "defragment" }
  | { kind: "move-leader"; to: number }
  | { kind: "add-member"; isLearner: boolean }
  | { kind: "promote" }
  | { kind: "remove-member"; member: number }
>;

/** One thing that the world does to members. */
export type WorldAction = Readonly<
  | { kind: "crash"; member: number; by: "process" | "power"; downMs: number }
  /** The power goes away at the so manyth operation of its disk. */
  | { kind: "crash-at-write"; member: number; operations: number; downMs: number }
  /** From now on its disk fails what it is asked to write or sync. The process has to end; the next one finds the disk repaired. */
  | { kind: "disk-error"; member: number; downMs: number }
  | { kind: "stop"; member: number; downMs: number }
  | { kind: "pause"; member: number; forMs: number }
  /** Bit n says on which side the nth member is. */
  | { kind: "partition"; sides: number; forMs: number }
  | { kind: "cut"; from: number; to: number; forMs: number }
  | { kind: "network"; drop: number; repeat: number; delayMsMax: number; late: number; forMs: number }
  | { kind: "slow-disk"; member: number; syncMs: number; forMs: number }
  | { kind: "clock-jump"; member: number; byMs: number }
  | { kind: "note-database"; member: number }
  /** Whoever leads, for a time, is struck soon after it begins to lead. */
  | {
      kind: "hunt-leaders";
      withinMs: number;
      strikes: number;
      by: "power" | "pause" | "partition" | "any";
      downMs: number;
    }
>;

/** What happens when, in milliseconds from when the cluster first serves. `at` picks the member that a client talks to. */
export type Step = Readonly<
  { atMs: number } & ({ who: "client"; at: number; action: ClientAction } | { who: "world"; action: WorldAction })
>;

/** How a cluster is set up. */
export type Setting = Readonly<{
  members: number;
  snapshotCount: number;
  catchUpEntries: number;
  /** Entries in one message between members. */
  messageBytesMax: number;
  /** How far clocks run apart: 0.01 means up to a hundredth fast or slow. */
  driftMax: number;
  watchers: number;
  /** How long a message travels at most while the network is good. */
  delayMsMax: number;
  /** How long a sync takes at most, in milliseconds. */
  syncMs: number;
}>;

/** A run: a seed for all that chance decides while it goes on, and what is to happen. */
export type Plan = Readonly<{ seed: number; setting: Setting; faultsMs: number; steps: readonly Step[] }>;
