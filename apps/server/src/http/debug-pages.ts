import { errorText, methodNotAllowed, withoutBody } from "./answers.js";
import type { MemberView } from "./member-view.js";
import { type ProfileName, type Profiler, profileNames } from "./profiles.js";

/** What the process says of itself. */
export interface ProcessView {
  /** The command line. */
  readonly argv: readonly string[];
  /** Bytes of memory by kind. */
  memory(): Readonly<Record<string, number>>;
  /** File descriptors it may open. */
  fileDescriptorLimit(): number;
  /** What keeps the event loop going: kinds of sockets, timers and so on, repeated for each one. */
  activeResources(): readonly string[];
}

/** `/debug/vars`. */
export function varsPage(method: string, member: MemberView, process: ProcessView): Response {
  if (method === "HEAD") return withoutBody(methodNotAllowed());
  if (method !== "GET") return methodNotAllowed("");
  const vars = {
    cmdline: process.argv,
    file_descriptor_limit: process.fileDescriptorLimit(),
    memstats: process.memory(),
    "raft.status": member.raftStatus(),
  };
  const body = JSON.stringify(vars, (_, value: unknown) => (typeof value === "bigint" ? value.toString(16) : value));
  return new Response(`${body}\n`, { headers: { "content-type": "application/json; charset=utf-8" } });
}

/** `/debug/pprof/<name>`: the paths of Go's profiles with Node's behind them. An empty name is the index. */
export async function profilePage(
  name: string,
  query: URLSearchParams,
  signal: AbortSignal,
  ports: Readonly<{ process: ProcessView; profiler: Profiler }>,
): Promise<Response> {
  if (name === "") return indexPage();
  const known = profileNames.find((one) => one === name);
  if (known === undefined) return errorText(404, "Unknown profile\n", { "x-go-pprof": "1" });
  const seconds = Number(query.get("seconds") ?? Number.NaN);
  const body = await bodyOf(known, Number.isFinite(seconds) && seconds > 0 ? seconds : undefined, signal, ports);
  if (body === undefined) return errorText(500, "another profile is being taken\n");
  const type = known === "cmdline" || known === "symbol" ? "text/plain; charset=utf-8" : "application/octet-stream";
  return errorText(200, body, { "content-type": type });
}

async function bodyOf(
  name: ProfileName,
  seconds: number | undefined,
  signal: AbortSignal,
  { process, profiler }: Readonly<{ process: ProcessView; profiler: Profiler }>,
): Promise<string | undefined> {
  switch (name) {
    case "cmdline":
      return process.argv.join("\0");
    case "symbol":
      return "num_symbols: 0\n";
    case "goroutine":
    case "threadcreate":
      return `${JSON.stringify(countEach(process.activeResources()))}\n`;
    case "block":
    case "mutex":
      return "{}\n"; // one thread runs the program: nothing waits for a lock
    default:
      return profiler.sample(name, seconds, signal);
  }
}

function countEach(names: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function indexPage(): Response {
  const items = profileNames.map((name) => `<li><a href="${name}">${name}</a></li>`).join("\n");
  const page = `<html><head><title>/debug/pprof/</title></head><body><p>Profiles of Node.js: <code>profile</code> and <code>trace</code> are .cpuprofile files, <code>heap</code> and <code>allocs</code> .heapprofile files.</p>\n<ul>\n${items}\n</ul></body></html>\n`;
  return errorText(200, page, { "content-type": "text/html; charset=utf-8" });
}
