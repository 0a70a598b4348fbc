import { Metadata } from "../grpc/metadata.js";
import { parseTimeout } from "../grpc/timeout.js";
import { FieldKind, type HeaderField } from "../hpack/header-field.js";

/** A request's header block, read and checked. Made once per distinct block, so it may serve many requests and never changes. */
export interface RequestHead {
  readonly method: string;
  readonly path: string;
  readonly scheme: string;
  readonly authority: string | undefined;
  /** Lower case not forced; empty when absent. */
  readonly contentType: string;
  /** Milliseconds of `grpc-timeout`, or undefined. */
  readonly timeoutMs: number | undefined;
  /** What is wrong with `grpc-timeout`, or undefined. */
  readonly timeoutProblem: string | undefined;
  /** `grpc-encoding`; "identity" when absent. */
  readonly encoding: string;
  /** Bytes of the body that `content-length` announces, or undefined. */
  readonly contentLength: number | undefined;
  /** All but pseudo-headers, `te` and reserved gRPC names; `:authority` comes along for gRPC handlers. */
  readonly metadata: Metadata;
  /** The application's own, looked up once per head. */
  route: unknown;
}

type Draft = { -readonly [Key in keyof RequestHead]: RequestHead[Key] };

/**
 * Checks the rules of RFC 9113 section 8.3 and gathers what a server needs.
 * @returns undefined when the request is malformed: the stream then ends with PROTOCOL_ERROR.
 */
export function readRequestHead(fields: readonly HeaderField[]): RequestHead | undefined {
  const wireFields: [string, string][] = [];
  const draft: Draft = {
    method: "",
    path: "",
    scheme: "",
    authority: undefined,
    contentType: "",
    timeoutMs: undefined,
    timeoutProblem: undefined,
    encoding: "identity",
    contentLength: undefined,
    metadata: Metadata.fromWire(wireFields),
    route: undefined,
  };
  let isPastPseudo = false;
  for (const field of fields) {
    const isPseudo = field.kind >= FieldKind.method && field.kind <= FieldKind.authority;
    if (isPseudo && isPastPseudo) return undefined;
    isPastPseudo ||= !isPseudo;
    if (!readField(draft, field, wireFields)) return undefined;
  }
  const isConnect = draft.method === "CONNECT";
  if (draft.method === "") return undefined;
  if (isConnect ? draft.path !== "" || draft.scheme !== "" || draft.authority === undefined : draft.scheme === "")
    return undefined;
  if (!isConnect && !isPath(draft.path, draft.method)) return undefined;
  return draft;
}

function isPath(path: string, method: string): boolean {
  return path.charCodeAt(0) === 0x2f || (path === "*" && method === "OPTIONS");
}

/** @returns false when the field makes the request malformed. */
function readField(draft: Draft, field: HeaderField, wireFields: [string, string][]): boolean {
  const { name, value } = field;
  switch (field.kind) {
    case FieldKind.method:
      if (draft.method !== "" || value === "") return false;
      draft.method = value;
      return true;
    case FieldKind.path:
      if (draft.path !== "" || value === "") return false;
      draft.path = value;
      return true;
    case FieldKind.scheme:
      if (draft.scheme !== "" || value === "") return false;
      draft.scheme = value;
      return true;
    case FieldKind.authority:
      if (draft.authority !== undefined) return false;
      draft.authority = value;
      wireFields.push([name, value]);
      return true;
    case FieldKind.te:
      return value === "trailers";
    case FieldKind.timeout:
      readTimeout(draft, value);
      return true;
    case FieldKind.encoding:
      draft.encoding = value;
      return true;
    case FieldKind.contentLength:
      return readLength(draft, value) && wireFields.push([name, value]) > 0;
    case FieldKind.contentType:
      draft.contentType = value;
      wireFields.push([name, value]);
      return true;
    case FieldKind.ordinary:
      wireFields.push([name, value]);
      return true;
    case FieldKind.reserved:
      return true;
    default:
      return false;
  }
}

function readTimeout(draft: Draft, value: string): void {
  const timeout = parseTimeout(value);
  if ("ms" in timeout) draft.timeoutMs = timeout.ms;
  else draft.timeoutProblem = timeout.problem;
}

function readLength(draft: Draft, value: string): boolean {
  if (!/^[0-9]{1,15}$/.test(value)) return false;
  const length = Number(value);
  if (draft.contentLength !== undefined && draft.contentLength !== length) return false;
  draft.contentLength = length;
  return true;
}

/** Trailers of a request: ordinary fields only. Their content is of no use to a server, so nothing is kept. */
export function areTrailersValid(fields: readonly HeaderField[]): boolean {
  return fields.every((field) => field.kind === FieldKind.ordinary || field.kind >= FieldKind.te);
}
