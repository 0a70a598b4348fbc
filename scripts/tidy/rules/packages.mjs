/** Every package explains itself, and its example is run by a test. */
export function checkPackages({ tree, facts, packages }, report) {
  for (const { directory } of packages.values()) {
    const readme = `${directory}/README.md`;
    const text = tree.get(readme);
    if (text === undefined) {
      report(`${directory}/package.json`, 1, "package-readme", `${directory} has no README.md`);
      continue;
    }
    const line = text.split("\n").findIndex((one) => /^```(ts|typescript)\b/.test(one)) + 1;
    if (line === 0) {
      if (directory.startsWith("packages/")) report(readme, 1, "readme-example", "has no example in a ```ts fence");
      continue;
    }
    const isRead = [...facts].some(
      ([file, fact]) =>
        file.startsWith(`${directory}/test/`) && fact.strings.some(({ value }) => value.includes("README.md")),
    );
    if (!isRead)
      report(readme, line, "readme-example", "no test of the package compiles this example (none names README.md)");
  }
}
