import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { TlsOptions } from "@quorate/transport";

/** Where the Go module is. */
export const goDirectory: string = fileURLToPath(new URL("../go", import.meta.url));

/** Path of a test certificate or key. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`../../../packages/transport/test/fixtures/${name}`, import.meta.url));
}

const context = { cert: readFileSync(fixture("server.crt")), key: readFileSync(fixture("server.key")) };
/** TLS with the test certificate. */
export const testTls: TlsOptions = { context: () => context };
