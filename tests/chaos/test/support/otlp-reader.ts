/** A span as a member exports it. Ids are hex. */
export type ExportedSpan = Readonly<{
  /** `service.instance.id` of who made it. */
  at: string;
  traceId: string;
  spanId: string;
  parentId: string;
  name: string;
  attributes: ReadonlyMap<string, string>;
  /** Span ids it links to. */
  links: readonly string[];
}>;

type Field = Readonly<{ number: number; bytes: Buffer; varint: bigint }>;

/**
 * Reads an `ExportTraceServiceRequest`, as far as the tests look.
 * @see https://github.com/open-telemetry/opentelemetry-proto, trace.proto
 */
export function readSpans(request: Buffer): ExportedSpan[] {
  return messagesOf(request, 1).flatMap((resourceSpans) => {
    const [resource = Buffer.alloc(0)] = messagesOf(resourceSpans, 1);
    const at = attributesOf(resource, 1).get("service.instance.id") ?? "";
    return messagesOf(resourceSpans, 2)
      .flatMap((scopeSpans) => messagesOf(scopeSpans, 2))
      .map((span) => readSpan(at, span));
  });
}

function readSpan(at: string, span: Buffer): ExportedSpan {
  const hex = (number: number): string => messagesOf(span, number).at(-1)?.toString("hex") ?? "";
  return {
    at,
    traceId: hex(1),
    spanId: hex(2),
    parentId: hex(4),
    name: messagesOf(span, 5).at(-1)?.toString() ?? "",
    attributes: attributesOf(span, 9),
    links: messagesOf(span, 13).map((link) => messagesOf(link, 2).at(-1)?.toString("hex") ?? ""),
  };
}

/** Attributes that are text, whole numbers or booleans. */
function attributesOf(message: Buffer, number: number): ReadonlyMap<string, string> {
  return new Map(
    messagesOf(message, number).map((pair) => {
      const [key = Buffer.alloc(0)] = messagesOf(pair, 1);
      const [value] = messagesOf(pair, 2).flatMap(fieldsOf);
      return [
        key.toString(),
        value === undefined ? "" : value.number === 1 ? value.bytes.toString() : `${value.varint}`,
      ];
    }),
  );
}

const messagesOf = (message: Buffer, number: number): Buffer[] =>
  fieldsOf(message).flatMap((field) => (field.number === number ? [field.bytes] : []));

function fieldsOf(message: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = message.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Buffer => {
    at += length;
    if (at > message.length) throw new Error("the message ends early");
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const tag = Number(varint());
    const wireType = tag & 7;
    const field: { -readonly [K in keyof Field]: Field[K] } = { number: tag >>> 3, bytes: Buffer.alloc(0), varint: 0n };
    if (wireType === 0) field.varint = varint();
    else if (wireType === 1) field.bytes = take(8);
    else if (wireType === 2) field.bytes = take(Number(varint()));
    else if (wireType === 5) field.bytes = take(4);
    else throw new Error(`wire type ${wireType}`);
    fields.push(field);
  }
  return fields;
}
