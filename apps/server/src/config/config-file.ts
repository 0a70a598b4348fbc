import { parseDocument, type YAMLParseError } from "yaml";
import type { Given } from "./parse-flags.js";
import { type SettingName, settingNames, settingOf } from "./settings.js";

/** Reads a whole file. @throws the system's error, with its `code`. */
export type ReadFile = (path: string) => Uint8Array;

/** What a file says. `plain` mistakes are written to stderr as they are, the others become log lines. */
export type ParsedFile =
  | { kind: "file"; given: Given }
  | { kind: "invalid"; error: string }
  | { kind: "plain"; text: string }
  | { kind: "panic"; text: string };

/** Settings that etcd keeps in another struct while it reads a file, which its messages name. */
const textSettings: ReadonlySet<SettingName> = new Set<SettingName>([
  "listen-peer-urls",
  "listen-client-urls",
  "listen-client-http-urls",
  "initial-advertise-peer-urls",
  "advertise-client-urls",
  "cors",
  "host-whitelist",
  "feature-gates",
]);

/** Reads a configuration file, YAML or JSON. Keys that mean nothing are passed over; the last of two equal keys counts. */
export function parseConfigFile(path: string, readFile: ReadFile): ParsedFile {
  let bytes: Uint8Array;
  try {
    bytes = readFile(path);
  } catch (error) {
    return { kind: "invalid", error: fileError(path, error) };
  }
  const document = parseDocument(new TextDecoder().decode(bytes), {
    version: "1.1",
    uniqueKeys: false,
    logLevel: "silent",
  });
  const [mistake] = document.errors;
  if (mistake !== undefined)
    return { kind: "invalid", error: `error converting YAML to JSON: yaml: ${yamlReason(mistake)}` };
  const root: unknown = document.toJS() ?? {};
  if (typeOf(root) !== "object") return wrongType(typeOf(root), "Go value of type embed.configYAML");
  return readSettings(root as Readonly<Record<string, unknown>>);
}

function readSettings(root: Readonly<Record<string, unknown>>): ParsedFile {
  const given = new Map<SettingName, unknown>();
  const urlMistakes: string[] = [];
  for (const name of settingNames) {
    const { file, fileKey } = settingOf(name);
    if (fileKey === "") continue;
    const key = fileKey ?? name;
    const found = at(root, key.split("."));
    if (found.kind === "absent") continue;
    if (found.kind === "wrong")
      return wrongType(typeOf(found.json), `${fieldOf(name, found.key)} of type ${structOf(found.key)}`);
    const parsed = file.read(found.json);
    if (parsed === undefined) return wrongType(shown(found.json), `${fieldOf(name, key)} of type ${file.type}`);
    if (parsed.kind === "value") given.set(name, parsed.value);
    else if (file.isUrls === true)
      urlMistakes.push(`unexpected error setting up ${urlsTitle(name)}: ${parsed.reason}\n`);
    else if (name === "cors") return { kind: "panic", text: `new UniqueURLs should never fail: ${parsed.reason}` };
    else return { kind: "invalid", error: parsed.reason };
  }
  const [mistake] = urlMistakes;
  return mistake === undefined ? { kind: "file", given } : { kind: "plain", text: mistake };
}

type Found = { kind: "absent" } | { kind: "found"; json: unknown } | { kind: "wrong"; json: unknown; key: string };

/** Walks down nested objects. An empty value stands for the default, as in etcd. */
function at(root: unknown, keys: readonly string[]): Found {
  let json = root;
  for (const [depth, key] of keys.entries()) {
    if (typeOf(json) !== "object") return { kind: "wrong", json, key: keys.slice(0, depth).join(".") };
    json = (json as Readonly<Record<string, unknown>>)[key];
    if (json === undefined || json === null) return { kind: "absent" };
  }
  return { kind: "found", json };
}

function wrongType(found: string, place: string): ParsedFile {
  const reason = `json: cannot unmarshal ${found} into ${place}`;
  return { kind: "invalid", error: `error unmarshaling JSON: while decoding JSON: ${reason}` };
}

function fieldOf(name: SettingName, key: string): string {
  const isText = textSettings.has(name) || key.includes("transport-security");
  return `Go struct field configYAML.${isText ? "configJSON" : "Config"}.${key}`;
}

function structOf(key: string): string {
  if (key.endsWith("transport-security")) return "embed.securityConfig";
  return key.startsWith("socket-options") ? "transport.SocketOpts" : "v3discovery.DiscoveryConfig";
}

/** etcd calls the one by the name of the other in this message. */
function urlsTitle(name: SettingName): string {
  return name === "advertise-client-urls" ? "advertise-peer-urls" : name;
}

function typeOf(json: unknown): string {
  if (Array.isArray(json)) return "array";
  if (typeof json === "boolean") return "bool";
  return typeof json;
}

/** Numbers that have the right type and do not fit are shown. */
function shown(json: unknown): string {
  return typeof json === "number" && (!Number.isInteger(json) || json < 0) ? `number ${json}` : typeOf(json);
}

/**
 * The words of etcd's YAML parser for the mistakes that people make most; others in those of ours. Its scanner counts lines from one, its parser from zero,
 * and neither names the first.
 */
function yamlReason(mistake: YAMLParseError): string {
  const line = mistake.linePos?.[0].line ?? 1;
  const at = (number: number): string => (line === 1 ? "" : `line ${number}: `);
  if (mistake.code === "TAB_AS_INDENT") return `${at(line)}found character that cannot start any token`;
  if (mistake.code === "BAD_INDENT" || mistake.code === "MISSING_CHAR") {
    return `${at(line - 1)}did not find expected node content`;
  }
  const [text = ""] = mistake.message.split("\n");
  return `${at(line)}${text.replace(/ at line \d+, column \d+:?$/, "").toLowerCase()}`;
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EISDIR: "is a directory",
  ENOTDIR: "not a directory",
};

/** What Go says when a file cannot be read. */
export function fileError(path: string, error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  return `${code === "EISDIR" ? "read" : "open"} ${path}: ${reasons[code] ?? code}`;
}
