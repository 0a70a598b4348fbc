// The function that reads a message: one switch over tags, wire type included, so that an unexpected wire type is an unknown field.
const readers = {
  bytes: "view",
  string: "text",
  bool: "bool",
  int32: "int32",
  uint32: "uint32",
  int64: "int64",
  uint64: "uint64",
};

export function emitRead(message, members, scope) {
  const name = scope.nameOf(message.name);
  const head = `export function ${scope.nameOf(message.name, "read")}(r: Reader, m: ${name}): ${name} {`;
  const cases = members
    .flatMap((member) =>
      member.fields === undefined
        ? readField(member.property, member.field, scope)
        : member.fields.flatMap((field) => readOneofField(member.property, field, scope)),
    )
    .map((line) => `      ${line}`);
  return [
    head,
    "  const limit = r.limit;",
    "  while (r.pos < limit) {",
    "    const tag = r.tag();",
    "    switch (tag) {",
    ...cases,
    "      default: r.skip(tag);",
    "    }",
    "  }",
    "  return m;",
    "}",
  ].join("\n");
}

/** Wire type 2 for what has a length, 0 for numbers. */
export function tagOf(field) {
  return field.number * 8 + (isDelimited(field) ? 2 : 0);
}

export function isDelimited(field) {
  return field.kind === "message" || field.type === "bytes" || field.type === "string";
}

function readField(property, field, scope) {
  const target = `m.${property}`;
  if (field.label === "repeated") return readRepeated(target, field, scope);
  if (field.kind !== "message") return [`case ${tagOf(field)}: ${target} = ${readScalar(field)}; break;`];
  // Given twice, a message is merged field by field.
  return [
    `case ${tagOf(field)}: { const outer = r.enter(); ${target} = ${readMessage(`${target} ?? `, field, scope)}; r.leave(outer); break; }`,
  ];
}

function readRepeated(target, field, scope) {
  if (field.kind === "message") {
    return [
      `case ${tagOf(field)}: { const outer = r.enter(); ${target}.push(${readMessage("", field, scope)}); r.leave(outer); break; }`,
    ];
  }
  const one = `case ${tagOf(field)}: ${target}.push(${readScalar(field)}); break;`;
  if (isDelimited(field)) return [one];
  // Numbers come one by one or packed, whatever the definition says.
  const packed = `case ${field.number * 8 + 2}: { const outer = r.enterPacked(); while (r.pos < r.limit) ${target}.push(${readScalar(field)}); r.limit = outer; break; }`;
  return field.packed ? [packed, one] : [one, packed];
}

function readOneofField(property, field, scope) {
  const target = `m.${property}`;
  const kind = `kind: "${field.jsonName}"`;
  if (field.kind !== "message")
    return [`case ${tagOf(field)}: ${target} = { ${kind}, value: ${readScalar(field)} }; break;`];
  const before = `${target}?.kind === "${field.jsonName}" ? ${target}.value : `;
  return [
    `case ${tagOf(field)}: { const outer = r.enter(); ${target} = { ${kind}, value: ${readMessage(before, field, scope)} }; r.leave(outer); break; }`,
  ];
}

function readMessage(before, field, scope) {
  return `${scope.nameOf(field.type, "read")}(r, ${before}${scope.nameOf(field.type, "new")}())`;
}

function readScalar(field) {
  return `r.${field.kind === "enum" ? "int32" : readers[field.type]}()`;
}
