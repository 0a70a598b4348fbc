import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock, Logger, Random } from "@quorate/common";
import { makeCertificate } from "./make-certificate.js";

/** A certificate that a member makes for itself, and where it is kept. */
export type OwnCertificate = Readonly<{ directory: string; hosts: readonly string[]; validYears: number }>;

const yearMs = 365 * 24 * 3600 * 1000;
const serialBytes = 16;

/** The files of a certificate of its own. */
export function ownCertificateFiles(directory: string): { readonly certFile: string; readonly keyFile: string } {
  return { certFile: join(directory, "cert.pem"), keyFile: join(directory, "key.pem") };
}

/** Makes the files, unless both are there. @throws the system's error when they cannot be written. */
export function ensureOwnCertificate(
  { directory, hosts, validYears }: OwnCertificate,
  { clock, random, logger }: { clock: Clock; random: Random; logger: Logger },
): void {
  const { certFile, keyFile } = ownCertificateFiles(directory);
  if (existsSync(certFile) && existsSync(keyFile)) return;
  const notBeforeMs = clock.wallMs();
  const notAfterMs = notBeforeMs + validYears * yearMs;
  logger.warn("automatically generate certificates", {
    "certificate-validity-bound-not-after": new Date(notAfterMs).toISOString(),
  });
  const serial = Buffer.from(random.bytes(serialBytes)).fill(1, 0, 1); // positive, and never a leading zero
  const wish = { commonName: "", organization: "etcd", hosts, notBeforeMs, notAfterMs, isAuthority: false, serial };
  const { cert, key } = makeCertificate(wish);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(certFile, cert);
  logger.info("created cert file", { path: certFile });
  writeFileSync(keyFile, key, { mode: 0o600 });
  logger.info("created key file", { path: keyFile });
}
