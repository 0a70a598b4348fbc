import { isIP } from "node:net";

/** A URL that a member listens on or is reached at. */
export type MemberUrl = Readonly<{
  scheme: "http" | "https" | "unix" | "unixs";
  /** Host without port and without brackets; empty for none. */
  host: string;
  /** The port as it was written, empty for none. */
  port: string;
  /** What follows the host; only of the unix schemes. */
  path: string;
  /** The URL as Go prints it, which is what enters ids, messages and comparisons. */
  text: string;
}>;

/** URLs, or why a text holds none. */
export type ParsedUrls = { kind: "urls"; urls: readonly MemberUrl[] } | { kind: "invalid"; reason: string };

const schemes: readonly string[] = ["http", "https", "unix", "unixs"];

/** Reads a list of URLs and sorts it, as etcd does. */
export function parseUrls(texts: readonly string[]): ParsedUrls {
  if (texts.length === 0) return { kind: "invalid", reason: "no valid URLs given" };
  const urls: MemberUrl[] = [];
  for (const text of texts) {
    const url = parseUrl(text.trim());
    if (typeof url === "string") return { kind: "invalid", reason: url };
    urls.push(url);
  }
  return { kind: "urls", urls: urls.sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0)) };
}

/** @returns the URL, or the reason why it is none. */
function parseUrl(text: string): MemberUrl | string {
  if (hasControlCharacter(text)) return `parse ${JSON.stringify(text)}: net/url: invalid control character in URL`;
  const found = /^([a-zA-Z][a-zA-Z0-9+.-]*):(.*)$/s.exec(text);
  const scheme = (found?.[1] ?? "").toLowerCase();
  if (!schemes.includes(scheme)) return `URL scheme must be http, https, unix, or unixs: ${text}`;
  const [, authority = "", path = ""] = /^(?:\/\/([^/?#]*))?([\s\S]*)$/.exec(found?.[2] ?? "") ?? [];
  const { host, port } = splitHostPort(authority.slice(authority.lastIndexOf("@") + 1));
  const url = {
    scheme: scheme as MemberUrl["scheme"],
    host,
    port: port ?? "",
    path,
    text: `${scheme}:${found?.[2] ?? ""}`,
  };
  if (scheme.startsWith("unix")) return url;
  if (port === undefined || !/^\d*$/.test(port)) return `URL address does not have the form "host:port": ${text}`;
  if (/^[^?#]/.test(path)) return `URL must not contain a path: ${text}`;
  return url;
}

/** Splits `host:port`, `[v6]:port`. The port is undefined when there is none. */
function splitHostPort(authority: string): { host: string; port: string | undefined } {
  const found = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::([^:]*))?$/.exec(authority);
  if (found === null) return { host: authority, port: undefined };
  return { host: found[1] ?? found[2] ?? "", port: found[3] };
}

function hasControlCharacter(text: string): boolean {
  return [...text].some((character) => character < " " || character === "\u007f");
}

/** True for what a socket can be bound to without asking a name server. */
export function isBindable(url: MemberUrl): boolean {
  return url.scheme.startsWith("unix") || url.host === "localhost" || isIP(url.host) !== 0;
}

/** True when clients or peers must use TLS with it. */
export function isSecure(url: MemberUrl): boolean {
  return url.scheme === "https" || url.scheme === "unixs";
}

/** The file of a unix socket: its host and port, or its path, whichever was given. */
export function socketPath(url: MemberUrl): string {
  const authority = url.port === "" ? url.host : `${url.host}:${url.port}`;
  return `${authority}${url.path}`;
}

/** A list as it stands in messages. */
export function joinUrls(urls: readonly MemberUrl[]): string {
  return urls.map((url) => url.text).join(",");
}
