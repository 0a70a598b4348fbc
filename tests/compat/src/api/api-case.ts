import { type Json, parseJson } from "../json.js";

export type Status = { readonly code: string; readonly message: string };
type Call = { readonly rpc: string; readonly metadata?: Readonly<Record<string, string>> };

/** One step of a case, told apart by the field that only it has. */
export type ApiStep =
  | (Call & { readonly open: string; readonly request?: Json })
  | (Call & {
      readonly open?: undefined;
      readonly request: Json;
      readonly timeout_ms?: number;
      readonly unordered?: readonly string[];
      readonly response?: Json;
      readonly error?: Status;
    })
  | { readonly send: string; readonly message: Json }
  | ExpectStep
  | { readonly silent: string; readonly for_ms: number }
  | DrainStep
  | { readonly half_close: string }
  | { readonly cancel: string }
  | { readonly sleep_ms: number }
  | { readonly restart: true };

export type ExpectStep = {
  readonly expect: string;
  readonly messages: readonly Json[];
  readonly within_ms?: number;
  readonly order?: "per_watch";
  readonly merged?: boolean;
};

export type DrainStep = {
  readonly drain: string;
  readonly messages?: readonly Json[];
  readonly status: Status;
  readonly within_ms?: number;
  readonly check?: "snapshot";
  readonly result?: Json;
};

export type ApiCase = { readonly title: string; readonly flags: readonly string[]; readonly steps: readonly ApiStep[] };

/** Reads a file of `testdata/api`. The files are written by the recorder, so their shape is taken as it is. */
export function parseApiCase(text: string): ApiCase {
  return parseJson(text) as unknown as ApiCase;
}
