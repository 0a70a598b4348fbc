import { fileURLToPath } from "node:url";

const stackDepth = 24;
const frame = /^\s*at (?:(?:async )?(.*?) \()?(?:(file:\/\/[^)]+|[^()\s]+)):(\d+):\d+\)?$/;

/** Where a log line comes from. */
export type LogCaller = Readonly<{
  /** `<package directory>/<file>:<line>`, empty when it cannot be told. */
  place: string;
  /** One line for the function, one for the place, for each frame, as Go prints a stack. Empty unless asked for. */
  stack: string;
}>;

/**
 * Looks at the stack.
 * @param below the function whose caller is meant.
 */
export function callerOf(below: (...values: never[]) => void, options: { withStack: boolean }): LogCaller {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = options.withStack ? stackDepth : 1;
  const holder: { stack?: string } = {};
  Error.captureStackTrace(holder, below);
  Error.stackTraceLimit = limit;
  const frames = (holder.stack ?? "").split("\n").slice(1).map(parseFrame);
  const first = frames.find((one) => one !== undefined);
  return {
    place: first === undefined ? "" : `${shortPath(first.path)}:${first.line}`,
    stack: options.withStack ? frames.map(stackText).filter(Boolean).join("\n") : "",
  };
}

type Frame = Readonly<{ name: string; path: string; line: string }>;

function parseFrame(text: string): Frame | undefined {
  const found = frame.exec(text);
  if (found === null) return undefined;
  const [, name = "", place = "", line = ""] = found;
  return { name: name === "" ? "main" : name, path: place.startsWith("file://") ? fileURLToPath(place) : place, line };
}

function stackText(one: Frame | undefined): string {
  return one === undefined ? "" : `${one.name}\n\t${one.path}:${one.line}`;
}

/** The directory of the package and the file: `wal/segment.js` for `.../packages/wal/dist/segment.js`. */
function shortPath(path: string): string {
  const parts = path.split("/").filter((part) => part !== "dist" && part !== "src");
  const root = Math.max(parts.lastIndexOf("packages"), parts.lastIndexOf("apps"));
  return (root >= 0 ? parts.slice(root + 1) : parts.slice(-2)).join("/");
}
