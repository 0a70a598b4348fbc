/** A key as a read shows it. Keys and values are text of one character a byte, so that they compare as bytes do. */
export type KeyState = Readonly<{
  key: string;
  value: string;
  createRevision: number;
  modRevision: number;
  version: number;
  /** 0 for none. */
  lease: bigint;
}>;

/** A change of one key. */
export type KeyEvent = Readonly<
  { kind: "put"; key: string; value: string; lease: bigint } | { kind: "delete"; key: string }
>;

/** What a revision of the store changed, in order. */
export type HistoryRevision = Readonly<{ revision: number; events: readonly KeyEvent[] }>;

/** One key, or with `end` all from `key` to before `end`. */
export type KeySpan = Readonly<{ key: string; end?: string | undefined }>;

/** A guard of a transaction. A key that does not exist has revisions and a version of 0, and no value. */
export type Guard = Readonly<{
  key: string;
  relation: "equal" | "greater" | "less";
  target: Readonly<{ kind: "version" | "create" | "mod"; number: number } | { kind: "value"; value: string }>;
}>;

/** What a client asks for. */
export type KeyRequest = Readonly<
  | { kind: "put"; key: string; value: string; lease: bigint }
  | ({ kind: "delete" } & KeySpan)
  | ({ kind: "range" } & KeySpan)
  | { kind: "txn"; guards: readonly Guard[]; success: readonly KeyRequest[]; failure: readonly KeyRequest[] }
  /** Ends a lease: its keys go. */
  | { kind: "revoke"; lease: bigint }
>;

/** What it is told. */
export type KeyResult = Readonly<
  | { kind: "put" }
  | { kind: "delete"; deleted: number }
  | { kind: "range"; keys: readonly KeyState[] }
  | { kind: "txn"; succeeded: boolean; results: readonly KeyResult[] }
  | { kind: "revoke" }
>;

/** One request and how it went. Places in time come from one counter: all beginnings and ends have an order. */
export type Operation = Readonly<{
  id: number;
  beganAt: number;
  request: KeyRequest;
  /** Of a read: an older revision it asks for. */
  revisionAsked?: number | undefined;
  /** A read that need not be the newest. */
  isSerializable?: boolean | undefined;
  outcome: Readonly<
    | { kind: "done"; endedAt: number; revision: number; result: KeyResult }
    /** It has not happened and never will. */
    | { kind: "refused" }
    /** It has happened, will happen, or will not. */
    | { kind: "unknown" }
  >;
}>;

/** Somebody saw that the store had reached a revision: an event of a watch, or a header. */
export type Sighting = Readonly<{ revision: number; at: number }>;

/** What clients did and saw, and what the store says its revisions were. */
export type History = Readonly<{
  operations: readonly Operation[];
  /** Without gaps, from the one after `base`. */
  revisions: readonly HistoryRevision[];
  /** The revision of the empty store; 1 when absent. */
  base?: number;
  sightings?: readonly Sighting[];
}>;

/** Why a history is not that of a strictly serializable store. */
export type HistoryFault = Readonly<{
  rule: HistoryRule;
  revision: number;
  operation: number | undefined;
  text: string;
}>;
export type HistoryRule =
  /** Revisions follow each other. */
  | "gap"
  /** Every revision has somebody who asked for it. */
  | "unexplained"
  /** A write that was answered is in the history as it was asked for. */
  | "lost-write"
  /** One request makes one revision. */
  | "made-twice"
  /** An answer is what the state at its revision gives. */
  | "wrong-answer"
  /** Nobody sees an older state than somebody has seen before he asked. */
  | "stale"
  /** Nobody sees what has not been asked for. */
  | "early";
