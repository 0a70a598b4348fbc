import type { X509Certificate } from "node:crypto";
import { lookup as lookUpHost, reverse } from "node:dns/promises";
import { isIP } from "node:net";
import type { PeerCertificate, TLSSocket } from "node:tls";
import type { PeerTls, TlsOptions } from "@quorate/transport";
import type { Config, ListenerPlan, PeerTlsSettings } from "./config/config.js";
import { contextReader, tlsOptionsOf } from "./open-listeners.js";

/** How names and addresses are looked up. */
export interface NameService {
  /** Names of an address. Rejects when there is none. */
  namesOf(address: string): Promise<readonly string[]>;
  addressesOf(name: string): Promise<readonly string[]>;
}

const systemNames: NameService = {
  namesOf: (address) => reverse(address),
  addressesOf: async (name) => (await lookUpHost(name, { all: true })).map(({ address }) => address),
};

/** How this member speaks with peers at `https` URLs; undefined: by the authorities that Node trusts, and without a certificate. */
export function peerTlsOf({ peerTls }: Pick<Config, "peerTls">): PeerTls | undefined {
  if (peerTls === undefined) return undefined;
  const { clientCertFile: certFile, clientKeyFile: keyFile } = peerTls;
  return {
    context: contextReader({ ...peerTls, certFile, keyFile }),
    verifiesServer: peerTls.ownCertificate === undefined,
    checkServer: (certificate) => {
      const commonName = commonNameOf(certificate);
      const isFor = (name: string): boolean => isNamed(certificate, name);
      return isAllowed(peerTls, { commonName, isFor }) ? undefined : new Error(notAllowed);
    },
  };
}

/** TLS of a peer listener: as of a client's, and the names in a peer's certificate are looked at. */
export function peerListenerTls(settings: PeerTlsSettings, plan: ListenerPlan, names = systemNames): TlsOptions {
  return { ...tlsOptionsOf(settings, plan), checkClient: async (socket) => refusalOf(socket, settings, names) };
}

/** etcd's words. */
const notAllowed = "client certificate authentication failed";

function isAllowed(
  { allowedCommonNames, allowedHostnames }: PeerTlsSettings,
  { commonName, isFor }: { commonName: string | undefined; isFor(name: string): boolean },
): boolean {
  if (allowedCommonNames.length > 0) return commonName !== undefined && allowedCommonNames.includes(commonName);
  return allowedHostnames.length === 0 || allowedHostnames.some(isFor);
}

async function refusalOf(
  socket: TLSSocket,
  settings: PeerTlsSettings,
  names: NameService,
): Promise<string | undefined> {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined; // none was needed
  const commonName = commonNameOf(socket.getPeerCertificate());
  if (!isAllowed(settings, { commonName, isFor: (name) => isFor(certificate, name) })) return notAllowed;
  if (!settings.checksClientAddress || socket.remoteAddress === undefined) return undefined;
  return whyElsewhere(certificate, socket.remoteAddress.replace(/^::ffff:/, ""), names);
}

/**
 * Whether somebody at `address` may show this certificate: one that names addresses or hosts must name that one, by a lookup in either direction.
 * @returns why not, in etcd's words, or undefined.
 */
export async function whyElsewhere(
  certificate: X509Certificate,
  address: string,
  names: NameService,
): Promise<string | undefined> {
  const { hosts, addresses } = split(certificate.subjectAltName);
  if (certificate.checkIP(address) !== undefined) return undefined;
  if (hosts.length === 0) {
    if (addresses.length === 0) return undefined;
    return `x509: certificate is valid for ${addresses.join(", ")}, not ${address}`;
  }
  if (await isHostOf(hosts, address, names)) return undefined;
  return `tls: "${address}" does not match any of DNSNames [${hosts.map((host) => JSON.stringify(host)).join(" ")}]`;
}

async function isHostOf(hosts: readonly string[], address: string, names: NameService): Promise<boolean> {
  const none = (): readonly string[] => []; // what cannot be looked up has no name, or is nobody's
  const own = await names.namesOf(address).catch(none);
  if (own.some((name) => hosts.some((host) => matches(host, name)))) return true;
  for (const host of hosts) {
    if (host.startsWith("*.")) continue;
    const found = await names.addressesOf(host).catch(none);
    if (found.includes(address)) return true;
  }
  return false;
}

/** A name of a certificate, `*.example.com` included, and one that was looked up, which may end in a dot. */
function matches(host: string, name: string): boolean {
  const [pattern, wanted] = [host.toLowerCase(), name.toLowerCase().replace(/\.$/, "")];
  return pattern.startsWith("*.") ? wanted.slice(wanted.indexOf(".")) === pattern.slice(1) : wanted === pattern;
}

function isFor(certificate: X509Certificate, name: string): boolean {
  const found = isIP(name) === 0 ? certificate.checkHost(name, { subject: "never" }) : certificate.checkIP(name);
  return found !== undefined;
}

function isNamed(certificate: PeerCertificate, name: string): boolean {
  const { hosts, addresses } = split(certificate.subjectaltname);
  return addresses.includes(name) || hosts.some((host) => matches(host, name));
}

function commonNameOf({ subject }: PeerCertificate): string | undefined {
  const name = subject?.CN as string | string[] | undefined;
  return Array.isArray(name) ? name[0] : name;
}

/** `DNS:a, IP Address:10.0.0.1`, as Node writes it. */
function split(text: string | undefined): { hosts: readonly string[]; addresses: readonly string[] } {
  const all = (text ?? "").split(", ");
  const of = (kind: string): readonly string[] =>
    all.filter((name) => name.startsWith(kind)).map((name) => name.slice(kind.length));
  return { hosts: of("DNS:"), addresses: of("IP Address:") };
}
