import { parseSync, visitorKeys } from "oxc-parser";

const functionTypes = new Set(["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"]);
const importTypes = new Set([
  "ImportDeclaration",
  "ExportNamedDeclaration",
  "ExportAllDeclaration",
  "ImportExpression",
  "TSImportType",
]);

/**
 * What the rules want to know of one source file, gathered in one walk over its syntax tree.
 * @returns {{
 *   lines: number, errors: { line: number, text: string }[],
 *   imports: { specifier: string, line: number, typeOnly: boolean }[],
 *   functions: { name: string, line: number, lines: number, isSuite: boolean }[],
 *   defaultExports: number[], enums: number[], anys: number[], exportStars: number[],
 *   names: { name: string, member: string | undefined, line: number }[], declared: Set<string>,
 *   testCalls: { kind: "only" | "skip", line: number, hasReason: boolean }[],
 *   strings: { value: string, line: number }[], todos: { line: number, text: string }[],
 * }}
 */
export function readFacts(file, text) {
  const lineOf = lineIndex(text);
  const { program, comments, errors } = parseSync(file, text, { preserveParens: false });
  const facts = {
    lines: text === "" ? 0 : text.split("\n").length - (text.endsWith("\n") ? 1 : 0),
    errors: errors.map((error) => ({ line: lineOf(error.labels[0]?.start ?? 0), text: error.message })),
    imports: [],
    functions: [],
    defaultExports: [],
    enums: [],
    anys: [],
    exportStars: [],
    names: [],
    declared: new Set(),
    testCalls: [],
    strings: [],
    todos: [],
  };
  const reasons = new Set(); // lines that hold a comment long enough to say why
  for (const comment of comments) {
    if (comment.value.trim().length >= 10)
      for (let l = lineOf(comment.start); l <= lineOf(comment.end); l++) reasons.add(l);
    if (/\b(TODO|FIXME|XXX)\b/.test(comment.value) && !/#\d+/.test(comment.value)) {
      facts.todos.push({ line: lineOf(comment.start), text: comment.value.trim() });
    }
  }
  walk(program, undefined, "", (node, parent, key) => note(facts, node, parent, key, lineOf, reasons));
  return facts;
}

function note(facts, node, parent, key, lineOf, reasons) {
  const line = lineOf(node.start);
  if (importTypes.has(node.type)) noteImport(facts, node, line);
  if (functionTypes.has(node.type) && node.body) {
    const from = parent?.type === "MethodDefinition" ? lineOf(parent.start) : line;
    const name = functionName(node, parent);
    facts.functions.push({ name, line: from, lines: lineOf(node.end) - from + 1, isSuite: isSuite(parent) });
  }
  switch (node.type) {
    case "ExportDefaultDeclaration":
      facts.defaultExports.push(line);
      break;
    case "ExportSpecifier":
      if ((node.exported.name ?? node.exported.value) === "default") facts.defaultExports.push(line);
      break;
    case "ExportAllDeclaration":
      facts.exportStars.push(line);
      break;
    case "TSEnumDeclaration":
      facts.enums.push(line);
      break;
    case "TSAnyKeyword":
      facts.anys.push(line);
      break;
    case "Literal":
      if (typeof node.value === "string") facts.strings.push({ value: node.value, line });
      break;
    case "TemplateElement":
      facts.strings.push({ value: node.value.cooked ?? "", line });
      break;
    case "CallExpression":
      noteTestCall(facts, node, line, reasons);
      break;
    case "Identifier":
      noteName(facts, node, parent, key, line);
      break;
  }
}

function noteImport(facts, node, line) {
  const source = node.source ?? node.argument;
  const literal = source?.type === "TSLiteralType" ? source.literal : source;
  if (typeof literal?.value !== "string") return;
  const named = node.specifiers ?? [];
  const typeOnly =
    node.type === "TSImportType" ||
    node.importKind === "type" ||
    node.exportKind === "type" ||
    (named.length > 0 && named.every((one) => one.importKind === "type" || one.exportKind === "type"));
  facts.imports.push({ specifier: literal.value, line, typeOnly });
}

function functionName(node, parent) {
  if (node.id) return node.id.name;
  const named = parent?.type === "VariableDeclarator" ? parent.id : parent?.key;
  return named?.name ?? named?.value ?? "(anonymous)";
}

/** The callback of `describe(...)` is a list of tests, not a function that one reads as one. */
function isSuite(parent) {
  return parent?.type === "CallExpression" && /^(describe|suite)\b/.test(calleePath(parent.callee));
}

function calleePath(callee) {
  if (callee.type === "Identifier") return callee.name;
  if (callee.type === "MemberExpression" && !callee.computed)
    return `${calleePath(callee.object)}.${callee.property.name}`;
  if (callee.type === "CallExpression") return calleePath(callee.callee);
  return callee.type === "TaggedTemplateExpression" ? calleePath(callee.tag) : "";
}

function noteTestCall(facts, node, line, reasons) {
  const path = calleePath(node.callee);
  if (node.callee.type === "CallExpression") return; // `it.skip.each(...)(...)`: the inner call is looked at
  if (/^(it|test|describe|suite|bench)\b.*\.only\b|^(fit|fdescribe)$/.test(path)) {
    facts.testCalls.push({ kind: "only", line, hasReason: false });
  }
  if (/^(it|test|describe|suite|bench)\b.*\.(skip|todo|skipIf|runIf|fails)\b|^(xit|xdescribe|xtest)$/.test(path)) {
    facts.testCalls.push({ kind: "skip", line, hasReason: reasons.has(line) || reasons.has(line - 1) });
  }
}

/** Names used as values or types, with the member that is taken of them: `Math.random` is { name: "Math", member: "random" }. */
function noteName(facts, node, parent, key, line) {
  const parentType = parent?.type ?? "";
  if (parentType === "MemberExpression" && key === "property" && !parent.computed) return;
  if (
    (parentType === "Property" ||
      /^(PropertyDefinition|MethodDefinition|TSPropertySignature|TSMethodSignature|AccessorProperty)$/.test(
        parentType,
      )) &&
    key === "key" &&
    !parent.computed
  ) {
    if (!parent.shorthand) return;
  }
  if (/^(ImportSpecifier|ImportDefaultSpecifier|ImportNamespaceSpecifier)$/.test(parentType)) {
    if (key === "local") facts.declared.add(node.name);
    return;
  }
  if (parentType === "TSQualifiedName" && key === "right") return;
  const isDeclared =
    ((parentType === "VariableDeclarator" ||
      /^(Class|Function|TSInterface|TSTypeAlias)\w*(Declaration|Expression)$/.test(parentType)) &&
      key === "id") ||
    key === "params";
  if (isDeclared) facts.declared.add(node.name);
  const member =
    parentType === "MemberExpression" && key === "object" && !parent.computed ? parent.property.name : undefined;
  facts.names.push({ name: node.name, member, line });
}

function walk(node, parent, key, visit) {
  visit(node, parent, key);
  for (const childKey of visitorKeys[node.type] ?? []) {
    const child = node[childKey];
    if (Array.isArray(child)) {
      for (const one of child) if (one !== null && one !== undefined) walk(one, node, childKey, visit);
    } else if (child !== null && child !== undefined) {
      walk(child, node, childKey, visit);
    }
  }
}

function lineIndex(text) {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (starts[middle] <= offset) low = middle;
      else high = middle - 1;
    }
    return low + 1;
  };
}
