/** The servers that a case starts before its first step. */
export type CtlServer = {
  readonly members: 1 | 3;
  readonly flags?: readonly string[];
  readonly tls?: "server" | "mutual";
};

/** What a program has to leave behind. Absent: not compared (`only_exit`), or nothing. */
export type CtlWanted = {
  /** Exit status, or the name of the signal that ended the program. */
  readonly exit?: number | string;
  readonly stdout?: string;
  readonly stdout_hex?: string;
  readonly stderr?: string;
  readonly logs?: readonly CtlLog[];
  readonly only_exit?: boolean;
  readonly nonempty?: boolean;
  readonly volatile?: readonly string[];
};

/** A log line as the cases keep it; `error` is its text. */
export type CtlLog = {
  readonly level: string;
  readonly msg: string;
  readonly logger?: string;
  readonly fields?: readonly string[];
  readonly error?: string;
};

/** When a program is to be stopped: after so many lines, when a text is logged, or after some time. */
export type CtlStop = {
  readonly lines?: number;
  readonly log?: string;
  readonly ms?: number;
  /** Not in recorded cases: until standard output has that many bytes. */
  readonly bytes?: number;
  readonly signal?: NodeJS.Signals;
};

/** What a program reads: a text, a text many times, or pieces that come 0.4 s apart. */
export type CtlInput = string | { readonly repeat: string; readonly times: number } | readonly string[];

export type RunStep = CtlWanted & {
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: CtlInput;
  readonly stop?: CtlStop;
  readonly limit_s?: number;
  readonly tty?: boolean;
  readonly dialog?: readonly (readonly [waitFor: string, input: string])[];
  readonly background?: string;
  readonly settle_ms?: number;
  readonly no_ready?: boolean;
  readonly capture?: Readonly<Record<string, string>>;
};

export type FinishStep = CtlWanted & { readonly finish: string; readonly stop?: CtlStop; readonly limit_s?: number };

/** One step of a case, told apart by the field that only it has. */
export type CtlStep =
  | RunStep
  | FinishStep
  | { readonly sleep_ms: number }
  | { readonly stop_member: number; readonly signal?: NodeJS.Signals }
  | { readonly write: Readonly<Record<string, string>> };

export type CtlCase = { readonly title: string; readonly server: CtlServer | null; readonly steps: readonly CtlStep[] };

/** Reads a file of `testdata/ctl`. The files are written by the recorder, so their shape is taken as it is. */
export function parseCtlCase(text: string): CtlCase {
  return JSON.parse(text) as CtlCase;
}
