/**
 * A small tree of files with nothing wrong in it, plus (or replaced by) what the test says. Packages named in `files` get the
 * package.json and README.md that the rules ask for, unless they are given; `undefined` takes a file away.
 */
export function buildTree(files) {
  const all = new Map();
  for (const path of Object.keys(files)) {
    const directory = /^(packages|apps|tests)\/[^/]+/.exec(path)?.[0];
    if (directory === undefined) continue;
    all.set(`${directory}/package.json`, JSON.stringify({ name: `@quorate/${directory.split("/")[1]}` }));
    all.set(`${directory}/README.md`, "# It\n\n```ts\nlet x = 1;\n```\n");
    all.set(`${directory}/test/readme.test.ts`, 'export const example = "../README.md";\n');
  }
  for (const [path, text] of Object.entries(files)) {
    if (text === undefined) all.delete(path);
    else all.set(path, text);
  }
  return new Map([...all].sort(([a], [b]) => (a < b ? -1 : 1)));
}
