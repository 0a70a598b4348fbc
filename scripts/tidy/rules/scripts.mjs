import { packageDirectoryOf } from "../workspace.mjs";

/**
 * Every file of test/scripts is read by a runner: a test of the package that names the file, or its folder (as a whole string
 * or at the end of one, like "./scripts/"). A runner of a folder reads its `.txt` files; other names must be said.
 */
export function checkScripts({ tree, facts }, report) {
  for (const file of tree.keys()) {
    const match = /^(.*\/test)\/(scripts(?:\/.*)?)\/([^/]+)$/.exec(file);
    if (match === null || /\.(ts|mjs|js)$/.test(file)) continue;
    const [, testDirectory, folder, name] = match;
    if (packageDirectoryOf(file) === undefined) continue;
    const strings = [...facts]
      .filter(([other]) => other.startsWith(`${testDirectory}/`))
      .flatMap(([, fact]) => fact.strings.map(({ value }) => value.replace(/\/$/, "")));
    const namesFile = strings.some((value) => value === name || value.endsWith(`/${name}`));
    const namesFolder =
      name.endsWith(".txt") && strings.some((value) => value === folder || value.endsWith(`/${folder}`));
    if (!namesFile && !namesFolder) report(file, 1, "unread-script", "no test names this script or its folder");
  }
}
