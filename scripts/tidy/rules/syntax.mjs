/** What may not be written: default exports, enums, `any`, `export *`, tests switched off or singled out, and TODOs without an issue. */
export function checkSyntax({ facts }, report) {
  for (const [file, fact] of facts) {
    for (const error of fact.errors) report(file, error.line, "syntax", error.text);
    if (!isConfig(file)) for (const line of fact.defaultExports) report(file, line, "default-export", "export by name");
    for (const line of fact.enums) report(file, line, "enum", "use a union, or an object `as const`");
    for (const line of fact.anys) report(file, line, "any", "use `unknown` and look, or the real type");
    for (const line of fact.exportStars) report(file, line, "export-star", "list the names one by one");
    for (const call of fact.testCalls) {
      if (call.kind === "only") report(file, call.line, "focused-test", "one test singled out hides all others");
      else if (!call.hasReason)
        report(file, call.line, "skipped-test", "say why in a comment on this line or the one above");
    }
    for (const todo of fact.todos) report(file, todo.line, "todo", `needs an issue number: ${todo.text}`);
  }
}

/** Tools read their settings from a default export. */
function isConfig(file) {
  return /\.config\.(ts|mts|js|mjs)$/.test(file);
}
