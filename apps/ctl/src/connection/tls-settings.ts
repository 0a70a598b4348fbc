import { X509Certificate } from "node:crypto";
import { CommandFailure } from "../command-failure.js";
import { ExitCode } from "../exit-codes.js";
import type { GlobalValues } from "../frame/global-flags.js";
import type { World } from "../world.js";
import type { TlsSettings } from "./transport-options.js";

/**
 * Reads what the TLS flags name.
 * @returns undefined when none of them asks for TLS: then only endpoints with https use it.
 * @throws CommandFailure, exit code 128, for files that cannot be read or used.
 */
export function readTlsSettings(
  globals: GlobalValues,
  isGiven: (flag: string) => boolean,
  world: World,
): TlsSettings | undefined {
  const { cert, key, cacert } = globals;
  for (const [flag, value] of Object.entries({ cert, key, cacert })) {
    if (value === "" && isGiven(flag)) throw badArgument(`empty string is passed to --${flag} option`);
  }
  const skipVerify = globals["insecure-skip-tls-verify"];
  if (cert === "" && key === "" && cacert === "" && !skipVerify && globals["insecure-transport"]) return undefined;
  if ((cert === "") !== (key === "")) {
    throw badArgument(`KeyFile and CertFile must both be present[key: ${key}, cert: ${cert}]`);
  }
  return {
    ...(cert === "" ? {} : readPair(cert, key, world)),
    ...(cacert === "" ? {} : { ca: readAuthorities(cacert, world) }),
    ...(skipVerify ? { insecureSkipVerify: true } : {}),
  };
}

function readPair(cert: string, key: string, world: World): { cert: Uint8Array; key: Uint8Array } {
  const pair = { cert: readFile(cert, world), key: readFile(key, world) };
  const block = pemBlocks(pair.cert)[0];
  if (block === undefined) throw badArgument(`tls: failed to find any PEM data in certificate input: ${cert}`);
  parseCertificate(block);
  if (pemBlocks(pair.key).length === 0) throw badArgument(`tls: failed to find any PEM data in key input: ${key}`);
  return pair;
}

function readAuthorities(path: string, world: World): Uint8Array {
  const bytes = readFile(path, world);
  for (const block of pemBlocks(bytes)) parseCertificate(block);
  return bytes;
}

function pemBlocks(bytes: Uint8Array): string[] {
  return new TextDecoder().decode(bytes).match(/-----BEGIN ([^-]+)-----[^-]+-----END \1-----/g) ?? [];
}

/** Other things than certificates, a key for instance, are malformed certificates to etcdctl. */
function parseCertificate(block: string): void {
  try {
    new X509Certificate(block.replaceAll(/(BEGIN|END) [^-]+/g, "$1 CERTIFICATE"));
  } catch (error) {
    throw new CommandFailure(ExitCode.BadArguments, "x509: malformed tbs certificate", { cause: error });
  }
}

function readFile(path: string, world: World): Uint8Array {
  try {
    return world.readFile(path);
  } catch (error) {
    throw new CommandFailure(ExitCode.BadArguments, `open ${path}: ${systemText(error)}`, { cause: error });
  }
}

const systemTexts: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EISDIR: "is a directory",
  ENOTDIR: "not a directory",
};

/** The system's words for a failed operation, as Go prints them. */
export function systemText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error ? String(error.code) : "";
  return systemTexts[code] ?? error.message;
}

function badArgument(message: string): CommandFailure {
  return new CommandFailure(ExitCode.BadArguments, message);
}
