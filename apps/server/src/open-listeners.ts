import { readFileSync } from "node:fs";
import type { SecureContextOptions } from "node:tls";
import {
  createListener,
  type Listener,
  type ListenerOptions,
  type ListenerPorts,
  type TlsOptions,
} from "@quorate/transport";
import type { ListenerPlan, TlsSettings } from "./config/config.js";
import { listenFailed } from "./process/listen-failure.js";
import type { StartFailure } from "./process/start-failure.js";

/** A listener with the plan it was opened for. */
export type OpenListener = Readonly<{ plan: ListenerPlan; listener: Listener }>;

/** Opens a socket for each plan. Those that were opened are kept in `opened` even when a later one fails. */
export async function openListeners(
  wanted: Readonly<{
    kind: "peer" | "client" | "metrics";
    plans: readonly ListenerPlan[];
    optionsFor(plan: ListenerPlan): ListenerOptions;
  }>,
  opened: OpenListener[],
  ports: ListenerPorts,
): Promise<StartFailure | undefined> {
  for (const plan of wanted.plans) {
    const listener = createListener(wanted.optionsFor(plan), ports);
    try {
      await listener.listen(plan.address);
    } catch (error) {
      return listenFailed(wanted.kind, plan.address, error);
    }
    opened.push({ plan, listener });
  }
  return undefined;
}

/** TLS of a listener, with files that are read again at each handshake. */
export function tlsOptionsOf(settings: TlsSettings, plan: ListenerPlan): TlsOptions {
  const unasked = settings.trustedCaFile === undefined ? "none" : "ifGiven";
  const clientCertificate = settings.requiresClientCertificate ? "verify" : unasked;
  return { context: contextReader(settings), clientCertificate, allowsPlain: plan.takesPlain };
}

/** Reads the files anew at each call. The answer is the same object as long as they hold the same. */
export function contextReader(settings: Omit<TlsSettings, "requiresClientCertificate">): () => SecureContextOptions {
  let last: { text: string; context: SecureContextOptions } | undefined;
  return () => {
    const cert = readFileSync(settings.certFile);
    const key = readFileSync(settings.keyFile);
    const ca = settings.trustedCaFile === undefined ? undefined : readFileSync(settings.trustedCaFile);
    const text = [cert, key, ca ?? ""].join("\n");
    if (last?.text === text) return last.context;
    const { minVersion, maxVersion, ciphers } = settings;
    last = {
      text,
      context: {
        cert,
        key,
        ...(ca === undefined ? {} : { ca }),
        ...(minVersion === undefined ? {} : { minVersion: tlsName(minVersion) }),
        ...(maxVersion === undefined ? {} : { maxVersion: tlsName(maxVersion) }),
        ...(ciphers === undefined ? {} : { ciphers }),
      },
    };
    return last.context;
  };
}

function tlsName(version: string): "TLSv1.2" | "TLSv1.3" {
  return version.endsWith("1.3") ? "TLSv1.3" : "TLSv1.2";
}
