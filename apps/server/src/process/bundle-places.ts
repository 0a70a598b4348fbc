import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * Where the lines of a bundled file come from, as the build writes it beside the file. A run is three numbers: its first line in the bundle, the
 * source, and the first line there; further lines of the run follow one by one. Source -1 is the bundler's own.
 */
export type BundlePlaces = Readonly<{ sources: readonly string[]; runs: readonly number[] }>;

/** @param line from 1. @returns where that line was before it was bundled, undefined for a line of the bundler's. */
export function placeBefore(places: BundlePlaces, line: number): { source: string; line: number } | undefined {
  const { sources, runs } = places;
  let low = 0;
  let high = runs.length / 3;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((runs[middle * 3] ?? 0) <= line) low = middle + 1;
    else high = middle;
  }
  const run = (low - 1) * 3;
  const source = sources[runs[run + 1] ?? -1];
  return source === undefined ? undefined : { source, line: (runs[run + 2] ?? 0) + line - (runs[run] ?? 0) };
}

const position = /(file:\/\/[^\s()]+\/)([^\s()/]+\.js):(\d+):(\d+)/;

/**
 * Names in stack traces of bundled code the files that it was bundled from: in log lines, in errors, in whatever is printed. Node can do so
 * with source maps, for 0.2 s and 30 MB at each start; this reads a small table, and only when a stack is looked at.
 * @param directory of the bundle, as a URL with a slash at its end.
 * @param read gives the table of a bundled file, undefined when it has none.
 */
export function nameSources(directory: string, read: (file: string) => BundlePlaces | undefined): void {
  const tables = new Map<string, BundlePlaces | undefined>();
  const tableOf = (file: string): BundlePlaces | undefined => {
    if (!tables.has(file)) tables.set(file, read(file));
    return tables.get(file);
  };
  const named = (site: string): string =>
    site.replace(position, (whole, folder: string, file: string, line: string, column: string) => {
      const places = folder === directory ? tableOf(file) : undefined;
      const found = places === undefined ? undefined : placeBefore(places, Number(line));
      return found === undefined ? whole : `${new URL(found.source, directory).href}:${found.line}:${column}`;
    });
  Error.prepareStackTrace = (error, sites) =>
    [titleOf(error), ...sites.map((site) => `    at ${named(`${site}`)}`)].join("\n");
}

/** What V8 itself begins a stack with. It also stands for objects that only look like errors, and those may refuse. */
function titleOf(error: unknown): string {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return "Error";
  }
}

/** Reads the table beside a bundled file. A broken or absent one leaves traces as they are. */
export function readPlaces(directory: string, file: string): BundlePlaces | undefined {
  try {
    return JSON.parse(readFileSync(fileURLToPath(`${directory}${file}.places.json`), "utf8")) as BundlePlaces;
  } catch {
    return undefined;
  }
}
