import type { HttpHandler, HttpInfo } from "@quorate/transport";
import { errorText, methodNotAllowed, notFound, text, withoutBody } from "./answers.js";
import { type ProcessView, profilePage, varsPage } from "./debug-pages.js";
import {
  addCorsHeaders,
  allowedOrigin,
  hostNotAllowed,
  isHostAllowed,
  isHostWellFormed,
  malformedHost,
} from "./front-door.js";
import { type HealthPorts, healthPage } from "./health-page.js";
import { metricsPage } from "./metrics-page.js";
import { isProbePath, type Probe, probePage } from "./probe-pages.js";
import { Profiler, type Wait } from "./profiles.js";
import { cleanPath, hostOfTarget, parseTarget, redirect } from "./request-path.js";

/** What is served, and to whom. */
export type HttpOptions = Readonly<{
  isGatewayOn: boolean;
  isPprofOn: boolean;
  /** Origins of web pages that may read answers; `*` for all. */
  corsOrigins: readonly string[];
  /** Names in Host headers that are answered on connections without TLS; `*` for all. */
  hostWhitelist: readonly string[];
}>;

/** The world of the pages. */
export type HttpPorts = HealthPorts &
  Readonly<{
    process: ProcessView;
    wait: Wait;
    /** Answers everything under `/v3/`. Without it every path there is unknown. */
    gateway?: HttpHandler;
  }>;

/** A request on its way through the pages. */
type Visit = Readonly<{ request: Request; info: HttpInfo; path: string; query: URLSearchParams }>;
/** A page, or undefined when there is none of that path. */
type Pages = (visit: Visit) => Promise<Response> | Response | undefined;

/**
 * Answers what comes to a client port and is not gRPC, in etcd's order: rewriting of former paths, the Host header, headers for web pages, then the page.
 * @see etcd 3.7.1, embed/serve.go.
 */
export function createClientHandler(options: HttpOptions, ports: HttpPorts): HttpHandler {
  const pages = firstOf([gatewayPages(options, ports), debugPages(options, ports), memberPages(ports)]);
  return async (request, info) => {
    const host = hostOfTarget(info.target) ?? info.host;
    if (!isHostWellFormed(info.host ?? "")) return finish(malformedHost(), info);
    if (!info.isTls && !isHostAllowed(host, options.hostWhitelist)) return finish(hostNotAllowed(host), info);
    const origin = allowedOrigin(request.headers.get("origin") ?? undefined, options.corsOrigins);
    const answer =
      info.method === "OPTIONS"
        ? new Response(null, { status: 200 })
        : await route(pages, request, info, redirectedPrefixes(options));
    return finish(origin === undefined ? answer : addCorsHeaders(answer, origin), info);
  };
}

/** Answers what comes to a port of `--listen-metrics-urls`: metrics and health, to anybody. */
export function createMetricsHandler(ports: HealthPorts): HttpHandler {
  const pages = firstOf([healthPages(ports)]);
  return async (request, info) => finish(await route(pages, request, info, []), info);
}

function finish(response: Response, info: HttpInfo): Response {
  return info.method === "HEAD" ? withoutBody(response) : response;
}

/** Paths whose form with a slash at the end is meant. */
function redirectedPrefixes(options: HttpOptions): readonly string[] {
  return [...(options.isGatewayOn ? ["/v3"] : []), ...(options.isPprofOn ? ["/debug/pprof"] : [])];
}

function firstOf(all: readonly Pages[]): Pages {
  return (visit) => {
    for (const pages of all) {
      const answer = pages(visit);
      if (answer !== undefined) return answer;
    }
    return undefined;
  };
}

async function route(pages: Pages, request: Request, info: HttpInfo, prefixes: readonly string[]): Promise<Response> {
  const target = parseTarget(info.target);
  if (target.kind === "invalid") return errorText(400, "400 Bad Request", { connection: "close" });
  const escaped = target.escaped.replace(/^\/v3beta\//, "/v3/");
  const clean = cleanPath(escaped);
  if (prefixes.includes(clean)) return redirect(info.method, `${clean}/`, target.query);
  if (clean !== escaped) return redirect(info.method, clean, target.query);
  // A slash that was escaped belongs to a name, and no page has one in its name.
  const path = target.segments.some((segment) => segment.includes("/")) ? escaped : decodeURIComponent(escaped);
  const answer = pages({ request, info, path, query: new URLSearchParams(target.query) });
  return answer === undefined ? notFound() : answer;
}

function gatewayPages(options: HttpOptions, ports: HttpPorts): Pages {
  return ({ request, info, path }) => {
    if (!options.isGatewayOn || !path.startsWith("/v3/")) return undefined;
    if (ports.gateway !== undefined) return ports.gateway(request, info);
    const body = JSON.stringify({ code: 5, message: "Not Found" });
    return new Response(body, { status: 404, headers: { "content-type": "application/json" } });
  };
}

function debugPages(options: HttpOptions, ports: HttpPorts): Pages {
  const profiler = new Profiler(ports.wait);
  const root = "/debug/pprof/";
  return ({ request, info, path, query }) => {
    if (path === "/debug/vars") return varsPage(info.method, ports.member, ports.process);
    if (!options.isPprofOn || !path.startsWith(root)) return undefined;
    return profilePage(path.slice(root.length), query, request.signal, { process: ports.process, profiler });
  };
}

function memberPages(ports: HttpPorts): Pages {
  const health = healthPages(ports);
  return (visit) => {
    if (visit.path !== "/version") return health(visit);
    return onlyGet(visit, () => versionPage(ports));
  };
}

function healthPages(ports: HealthPorts): Pages {
  return (visit) => {
    const { request, path, query } = visit;
    if (path === "/metrics") return metricsPage(request, query, ports.metrics);
    if (path === "/health") return onlyGet(visit, () => healthPage(query, request.signal, ports));
    const found = /^\/(livez|readyz)(?:\/(.*))?$/s.exec(path);
    if (found === null) return undefined;
    const [, probe = "", name] = found as unknown as [string, Probe, string | undefined];
    if (!isProbePath(probe as Probe, name)) return undefined;
    const asked = { probe: probe as Probe, name, query, signal: request.signal };
    return onlyGet(visit, () => probePage(asked, ports));
  };
}

function onlyGet({ info }: Visit, page: () => Promise<Response> | Response): Promise<Response> | Response {
  return info.method === "GET" ? page() : methodNotAllowed();
}

function versionPage({ member }: HttpPorts): Response {
  const { server, cluster, storage } = member.versions();
  const body = { etcdserver: server, etcdcluster: cluster ?? "not_decided", storage: storage ?? "unknown" };
  const answer = text(JSON.stringify(body));
  answer.headers.set("content-type", "application/json");
  return answer;
}
