import { exceptions, forbiddenModules, forbiddenNames, pureDirectories } from "../allowed.mjs";

/** In pure packages the world is passed in: no clock, timer, randomness, process, disk or network of their own. */
export function checkForbidden({ facts }, report) {
  for (const [file, fact] of facts) {
    if (!pureDirectories.some((directory) => file.startsWith(`${directory}/src/`))) continue;
    for (const { specifier, line } of fact.imports) {
      const name = specifier.startsWith("node:") ? specifier : `node:${specifier}`;
      if (forbiddenModules.has(name) && !isExcepted(file, name)) {
        report(file, line, "forbidden-module", `${specifier}: take a port instead`);
      }
    }
    for (const { name, member, line } of fact.names) {
      if (!forbiddenNames.has(name) || fact.declared.has(name)) continue;
      const members = forbiddenNames.get(name);
      if (members !== undefined && !members.has(member)) continue;
      const shown = members === undefined ? name : `${name}.${member}`;
      if (!isExcepted(file, shown)) report(file, line, "forbidden-global", `${shown}: take a port instead`);
    }
  }
}

function isExcepted(file, what) {
  return exceptions.some(
    ({ where, allowed }) => allowed === what && (where.endsWith("/") ? file.startsWith(where) : file === where),
  );
}
