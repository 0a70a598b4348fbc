import { SourceMap } from "node:module";

/**
 * A source map by whole lines: enough for stack traces, a hundredth of its size. Its form is BundlePlaces of src/process/bundle-places.ts.
 * @param code the bundled text. @param map its source map.
 */
export function placesOf(code, map) {
  const finder = new SourceMap(map);
  const sources = [];
  const numbers = new Map();
  const numberOf = (source) => {
    if (!numbers.has(source)) numbers.set(source, sources.push(source) - 1);
    return numbers.get(source);
  };
  const runs = [];
  let expected; // what the next line is when it goes on with the run
  code.split("\n").forEach((text, index) => {
    const indent = text.length - text.trimStart().length;
    const atBegin = finder.findEntry(index, indent);
    const entry = atBegin.generatedLine === index ? atBegin : finder.findEntry(index, text.length);
    // The last entry stands for all that follows it, so what begins on another line says nothing of this one.
    const isOwn = entry.originalSource === undefined || entry.generatedLine !== index;
    const source = isOwn ? -1 : numberOf(entry.originalSource);
    const line = isOwn ? 0 : entry.originalLine + 1;
    const isNext = expected !== undefined && source === expected.source && (isOwn || line === expected.line);
    if (!isNext) runs.push(index + 1, source, line);
    expected = { source, line: line + 1 };
  });
  return { sources, runs };
}
