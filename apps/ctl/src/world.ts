import type { Clock, Endpoint, Transport } from "@quorate/client";
import type { TlsSettings, TransportOptions } from "./connection/transport-options.js";

/** A stream of output. Writes are finished when they return, so what is printed keeps its order over both streams. */
export interface OutputStream {
  /** Text is written as UTF-8, bytes as they are. @throws ClosedPipe when nobody reads any more. */
  write(chunk: string | Uint8Array): void;
}

/** Standard input. It is read once. */
export interface InputStream {
  readonly isTerminal: boolean;
  /** Everything up to the end. */
  all(): Promise<Uint8Array>;
  /** Line by line, each with its line end; the last one has none if the input ends without. */
  lines(): AsyncIterable<string>;
}

/** A file that is being written. Writes are finished when they return. @throws Error as node:fs does */
export interface OutputFile {
  write(bytes: Uint8Array): void;
  /** What was written survives a loss of power when this returns. */
  sync(): void;
  close(): void;
}

/** How a program that was started ended. */
export type ChildEnd =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "signalled"; readonly signal: string }
  /** It could not be started. The message is the system's. */
  | { readonly kind: "failed"; readonly message: string };

/** Everything a command may touch. The real one is made in `main.ts`, tests pass one of their own. */
export interface World {
  /** The name this program was called by: "quoratectl" or "etcdctl". */
  readonly programName: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly clock: Clock;
  /** The wall clock, for what people read. */
  now(): Date;
  /** @throws Error as node:fs does. */
  readFile(path: string): Uint8Array;
  /** Makes a file that only its owner may read, or empties the one that is there. @throws Error as node:fs does. */
  createFile(path: string): OutputFile;
  /** The file may replace another one. @throws Error as node:fs does. */
  renameFile(from: string, to: string): void;
  /** No matter whether it is there. */
  removeFile(path: string): void;
  /** The targets of the SRV records of a name, best first. @throws Error as node:dns does. */
  resolveService(name: string): Promise<readonly { readonly host: string; readonly port: number }[]>;
  openTransport(endpoint: Endpoint, options: TransportOptions): Transport;
  /** The text of a member's /metrics; `undefined` when it cannot be had. */
  fetchMetrics(endpoint: string, tls: TlsSettings | undefined): Promise<string | undefined>;
  /** Runs a program with this program's output streams and, if wanted, its input; `env` is added to the environment. */
  runProgram(
    argv: readonly string[],
    options: { readonly env: Readonly<Record<string, string>>; readonly stdin: "inherit" | "none" },
  ): Promise<ChildEnd>;
  /** Calls `run` for SIGINT and SIGTERM instead of ending, until it is taken back. Without this, signals end the program. */
  onInterrupt(run: () => void): () => void;
  /** Asks on the terminal, without echo if it is a secret. Without a terminal, a line of standard input is the answer. */
  ask(question: string, options: { readonly isSecret: boolean }): Promise<string>;
}

/** Thrown by writes to a pipe that nobody reads any more. */
export class ClosedPipe extends Error {
  override readonly name = "ClosedPipe";
}
