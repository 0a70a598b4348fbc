/** What a name means to a server. Known once per field, so that a field in a table is not looked at again. */
export const FieldKind = {
  ordinary: 0,
  method: 1,
  path: 2,
  scheme: 3,
  authority: 4,
  /** A pseudo-header that no request has. */
  unknownPseudo: 5,
  /** A header that HTTP/2 forbids, or a name or value with characters that no header has. */
  forbidden: 6,
  te: 7,
  contentType: 8,
  timeout: 9,
  encoding: 10,
  contentLength: 11,
  /** Reserved gRPC names that handlers do not see. */
  reserved: 12,
} as const;

export type FieldKind = (typeof FieldKind)[keyof typeof FieldKind];

const kinds = new Map<string, FieldKind>([
  [":method", FieldKind.method],
  [":path", FieldKind.path],
  [":scheme", FieldKind.scheme],
  [":authority", FieldKind.authority],
  ["connection", FieldKind.forbidden],
  ["keep-alive", FieldKind.forbidden],
  ["proxy-connection", FieldKind.forbidden],
  ["transfer-encoding", FieldKind.forbidden],
  ["upgrade", FieldKind.forbidden],
  ["te", FieldKind.te],
  ["content-type", FieldKind.contentType],
  ["grpc-timeout", FieldKind.timeout],
  ["grpc-encoding", FieldKind.encoding],
  ["content-length", FieldKind.contentLength],
  ["grpc-accept-encoding", FieldKind.reserved],
  ["grpc-message-type", FieldKind.reserved],
]);

/** One decoded header. `value` is latin1: one character a byte. */
export class HeaderField {
  readonly name: string;
  readonly value: string;
  readonly kind: FieldKind;

  constructor(name: string, value: string) {
    this.name = name;
    this.value = value;
    this.kind = kindOf(name, value);
  }

  /** Size as RFC 7541 section 4.1 counts it. */
  get size(): number {
    return this.name.length + this.value.length + 32;
  }
}

function kindOf(name: string, value: string): FieldKind {
  const known = kinds.get(name);
  if (known === FieldKind.forbidden || !isFieldValue(value)) return FieldKind.forbidden;
  if (known !== undefined) return known;
  if (name.charCodeAt(0) === 0x3a) return FieldKind.unknownPseudo;
  return isFieldName(name) ? FieldKind.ordinary : FieldKind.forbidden;
}

/** Lower-case token characters of RFC 9110 section 5.6.2. */
function isFieldName(name: string): boolean {
  if (name.length === 0) return false;
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i);
    const isPlain = (c >= 0x61 && c <= 0x7a) || (c >= 0x30 && c <= 0x39) || c === 0x2d || c === 0x5f || c === 0x2e;
    if (!isPlain && !"!#$%&'*+^`|~".includes(name[i] as string)) return false;
  }
  return true;
}

/** No NUL, CR or LF, and no white space at either end (RFC 9113 section 8.2.1). */
function isFieldValue(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const c = value.charCodeAt(i);
    if (c === 0 || c === 10 || c === 13) return false;
  }
  const first = value.charCodeAt(0);
  const last = value.charCodeAt(value.length - 1);
  return first !== 0x20 && first !== 9 && last !== 0x20 && last !== 9;
}
