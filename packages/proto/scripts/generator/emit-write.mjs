// The function that writes a message: fields by number, what equals its default left out unless it has presence.
import { isDelimited, tagOf } from "./emit-read.mjs";
import { capitalized } from "./names.mjs";

const writers = {
  bytes: "bytes",
  string: "string",
  bool: "bool",
  int32: "int32",
  uint32: "uint32",
  int64: "int64",
  uint64: "int64",
};
const notDefault = {
  bytes: (value) => `${value}.length !== 0`,
  string: (value) => `${value}.length !== 0`,
  bool: (value) => value,
  int32: (value) => `${value} !== 0`,
  uint32: (value) => `${value} !== 0`,
  int64: (value) => `${value} !== 0n`,
  uint64: (value) => `${value} !== 0n`,
};

export function emitWrite(message, members, scope) {
  const name = scope.nameOf(message.name);
  const hints = [];
  // The size of a length is guessed as it was last time at this place; a wrong guess only costs a move of the content.
  const hintOf = (field) => {
    const hint = `hint${name}${capitalized(field.jsonName)}`;
    hints.push(`let ${hint} = 1;`);
    return hint;
  };
  const lines = members.flatMap((member) =>
    member.fields === undefined ? writeMember(member, hintOf, scope) : writeOneof(member, hintOf, scope),
  );
  const head = `export function ${scope.nameOf(message.name, "write")}(m: Partial<${name}>, w: Writer): void {`;
  return [...hints, head, ...lines.map((line) => `  ${line}`), "}"].join("\n");
}

function writeMember({ property, field }, hintOf, scope) {
  const value = `m.${property}`;
  const local = `const ${property}$ = ${value};`;
  const it = `${property}$`;
  if (field.label === "repeated") {
    return [local, `if (${it} !== undefined && ${it}.length !== 0) {`, ...writeRepeated(it, field, hintOf, scope), "}"];
  }
  if (field.kind === "message") {
    return [local, `if (${it} !== undefined) ${writeMessage(it, field, hintOf(field), scope)}`];
  }
  const isSet = field.label === "optional" ? "" : ` && ${notDefault[scalarOf(field)](it)}`;
  return [local, `if (${it} !== undefined${isSet}) ${writeScalar(it, field)}`];
}

function writeRepeated(list, field, hintOf, scope) {
  const each = (body) => `  for (let i = 0; i < ${list}.length; i++) ${body}`;
  const it = `${list}[i]!`;
  if (field.kind === "message") return [each(writeMessage(it, field, hintOf(field), scope))];
  if (!field.packed) return [each(writeScalar(it, field))];
  const hint = hintOf(field);
  return [
    `  const mark = w.beginField(${field.number * 8 + 2}, ${hint});`,
    each(`w.${writers[scalarOf(field)]}(${it});`),
    `  ${hint} = w.end(mark);`,
  ];
}

/** The member that is set is written even when it holds its default. */
function writeOneof({ property, fields }, hintOf, scope) {
  const it = `${property}$`;
  const cases = fields.map((field) => {
    const write =
      field.kind === "message"
        ? writeMessage(`${it}.value`, field, hintOf(field), scope)
        : writeScalar(`${it}.value`, field);
    return `    case "${field.jsonName}": ${write} break;`;
  });
  return [
    `const ${it} = m.${property};`,
    `if (${it} !== undefined) {`,
    `  switch (${it}.kind) {`,
    ...cases,
    "  }",
    "}",
  ];
}

function writeMessage(value, field, hint, scope) {
  return `{ const mark = w.beginField(${tagOf(field)}, ${hint}); ${scope.nameOf(field.type, "write")}(${value}, w); ${hint} = w.end(mark); }`;
}

function writeScalar(value, field) {
  const tag = isDelimited(field) ? tagOf(field) : field.number * 8;
  return `w.${writers[scalarOf(field)]}Field(${tag}, ${value});`;
}

function scalarOf(field) {
  return field.kind === "enum" ? "int32" : field.type;
}
