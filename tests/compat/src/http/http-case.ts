import { type Json, type JsonObject, parseJson } from "../json.js";

/** A request, and what must come back. All fields but those of a request line may be absent. */
export type RequestStep = {
  readonly method?: string;
  readonly path?: string;
  readonly raw?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Json;
  readonly repeat?: readonly [string, number];
  readonly http?: "1.1" | "2" | "ws";
  readonly tls?: { readonly client?: string };
  readonly port?: string;
  readonly chunked?: boolean;
  readonly wait?: number;
  readonly open?: string;
  readonly unfinished?: boolean;
} & Wanted;

export type Wanted = {
  readonly status?: number;
  readonly response_headers?: Readonly<Record<string, string | null>>;
  readonly interim?: readonly number[];
  readonly response?: Json;
  readonly response_lines?: readonly Json[];
  readonly metrics?: JsonObject;
  readonly values?: JsonObject;
};

export type ReadStep = {
  readonly read: string;
  readonly n: number;
  readonly lines?: readonly Json[];
  readonly quiet?: number;
  readonly end?: boolean;
} & Wanted;

export type HttpStep =
  | RequestStep
  | ReadStep
  | { readonly silent: string; readonly ms: number }
  | { readonly send: string; readonly body: Json }
  | { readonly finish: string }
  | { readonly close: string };

export type HttpCase = {
  readonly title: string;
  readonly flags: readonly string[];
  readonly tls?: boolean;
  readonly ready?: "tcp" | "version";
  readonly ready_port?: string;
  readonly steps: readonly HttpStep[];
};

/** Reads a file of `testdata/http`. The files are written by the recorder, so their shape is taken as it is. */
export function parseHttpCase(text: string): HttpCase {
  return parseJson(text) as unknown as HttpCase;
}
