import { readFileSync } from "node:fs";
import type { SecureContextOptions } from "node:tls";
import type { ListenerPlan, TlsSettings } from "./config/config.js";
import {
  createListener,
  type Listener,
  type ListenerOptions,
  type ListenerPorts,
  type TlsOptions,
} from "@quorate/transport";
import { StartError } from "./start-error.js";

/** Opens a socket for each plan. Connections wait until the listener is opened. @throws StartError when an address cannot be had. */
export async function openListeners(
  plans: readonly ListenerPlan[],
  optionsFor: (plan: ListenerPlan) => ListenerOptions,
  ports: ListenerPorts,
  failureLine?: string,
): Promise<Listener[]> {
  const listeners: Listener[] = [];
  for (const plan of plans) {
    const listener = createListener(optionsFor(plan), ports);
    try {
      await listener.listen(plan.address);
    } catch (error) {
      for (const open of listeners) await open.stop({ graceMs: 0 });
      const text = describeListenError(plan, error);
      const lines =
        failureLine === undefined ? [] : [{ level: "error", message: failureLine, fields: { error: text } } as const];
      throw new StartError(text, { lines, cause: error });
    }
    listeners.push(listener);
  }
  return listeners;
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: "bind: address already in use",
  EADDRNOTAVAIL: "bind: cannot assign requested address",
  EACCES: "bind: permission denied",
};

/** As Go's net package words it. */
function describeListenError({ address }: ListenerPlan, error: unknown): string {
  const code = (error as { code?: string }).code ?? "";
  const reason = reasons[code] ?? (error instanceof Error ? error.message : String(error));
  if ("path" in address) return `listen unix ${address.path}: ${reason}`;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `listen tcp ${host}:${address.port}: ${reason}`;
}

/** TLS of a listener, with files that are read again when they have changed. */
export function tlsOptionsOf(settings: TlsSettings, plan: ListenerPlan): TlsOptions {
  let last: { text: string; context: SecureContextOptions } | undefined;
  const context = (): SecureContextOptions => {
    const cert = readFileSync(settings.certFile);
    const key = readFileSync(settings.keyFile);
    const ca = settings.trustedCaFile === undefined ? undefined : readFileSync(settings.trustedCaFile);
    const text = [cert, key, ca ?? ""].join("\n");
    if (last?.text === text) return last.context;
    last = {
      text,
      context: {
        cert,
        key,
        ...(ca === undefined ? {} : { ca }),
        ...(settings.minVersion === undefined ? {} : { minVersion: tlsName(settings.minVersion) }),
        ...(settings.maxVersion === undefined ? {} : { maxVersion: tlsName(settings.maxVersion) }),
        ...(settings.ciphers === undefined ? {} : { ciphers: settings.ciphers }),
      },
    };
    return last.context;
  };
  const clientCertificate = settings.requiresClientCertificate
    ? "verify"
    : settings.trustedCaFile === undefined
      ? "none"
      : "ifGiven";
  return { context, clientCertificate, allowsPlain: plan.takesPlain };
}

function tlsName(version: string): "TLSv1.2" | "TLSv1.3" {
  return version.endsWith("1.3") ? "TLSv1.3" : "TLSv1.2";
}
