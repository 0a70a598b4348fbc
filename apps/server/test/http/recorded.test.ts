import { readdirSync, readFileSync } from "node:fs";
import type { HttpHandler } from "@quorate/transport";
import { describe, expect, it } from "vitest";
import type { Config } from "../../src/config/config.js";
import { readConfig } from "../../src/config/read-config.js";
import { createClientHandler, createMetricsHandler } from "../../src/http/http-handler.js";
import { ask, buildPorts, FakeMember } from "./fake-member.js";

type Step = {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  body?: { action?: string; alarm?: string };
  raw?: string;
  http?: string;
  port?: string;
  tls?: object;
  status: number;
  response?: unknown;
  response_headers?: Record<string, string | null>;
};
type RecordedCase = { title: string; flags: string[]; steps: Step[] };

const directory = new URL("../fixtures/http/", import.meta.url);
const ports: Readonly<Record<string, string>> = { port: "2379", port2: "2390", peer: "2380" };

function load(file: string): RecordedCase {
  const text = readFileSync(new URL(file, directory), "utf8");
  return JSON.parse(text.replace(/\{\{(port2?|peer)\}\}/g, (_, name: string) => ports[name] ?? "")) as RecordedCase;
}

function configOf(flags: readonly string[]): Config {
  const wanted = flags.filter((flag) => flag !== "--auto-tls"); // TLS itself is the listener's
  const result = readConfig({
    argv: wanted,
    environment: {},
    readFile: () => new Uint8Array(),
    runtime: { version: "v24", platform: "linux", architecture: "x64" },
  });
  if (result.kind === "exit") throw new Error(JSON.stringify(result.lines));
  return result.config;
}

/** Plain text to a TLS listener, broken requests: these never get as far as a handler. */
function isOfListener(step: Step): boolean {
  return (
    step.status === 0 || step.raw?.includes("HTTP/1.1\r\nConnection") === true || step.raw?.includes("Host: b") === true
  );
}

/** What the JSON gateway would answer, which is not built. */
function isOfGateway(step: Step): boolean {
  const isAsked = step.path?.startsWith("/v3/") === true && step.method !== "OPTIONS" && step.path !== "/v3/../version";
  return isAsked && ![404, 421].includes(step.status);
}

function requestOf(step: Step) {
  const raw = step.raw === undefined ? undefined : /^(\S+) (\S+) [^\r]*\r\n(?:Host: ([^\r]*))?/.exec(step.raw);
  const { Host: host, ...headers } = step.headers ?? {};
  return {
    method: raw?.[1] ?? step.method ?? "GET",
    target: raw?.[2] ?? step.path ?? "/",
    headers,
    host: raw === undefined ? (host ?? "127.0.0.1:2379") : (raw?.[3] ?? ""),
    isTls: step.tls !== undefined,
  };
}

function expectBody(body: string, expected: unknown): void {
  if (expected === undefined) return;
  if (typeof expected !== "string") {
    const wanted = expected as Record<string, unknown>;
    const got = JSON.parse(body) as Record<string, unknown>;
    expect(Object.keys(got).sort()).toEqual(Object.keys(wanted).sort());
    for (const [key, value] of Object.entries(wanted))
      if (!String(value).startsWith("{{")) expect(got[key]).toEqual(value);
    return;
  }
  if (expected.includes("{{text}}")) {
    const [before = "", after = ""] = expected.split("{{text}}");
    expect(body.startsWith(before) && body.endsWith(after), body).toBe(true);
    return;
  }
  expect(body).toBe(expected);
}

describe("recorded answers of etcd", () => {
  for (const file of readdirSync(directory).sort()) {
    const { title, flags, steps } = load(file);
    const member = new FakeMember();
    member.leads = !flags.some((flag) => flag.includes("m3="));
    const world = buildPorts(member);
    const handlers = new Map<string, HttpHandler>([["port2", createMetricsHandler(world)]]);
    const clients = createClientHandler(configOf(flags).http, world);
    if (flags.some((flag) => flag.startsWith("--listen-client-http-urls"))) handlers.set("port2", clients);
    for (const [index, step] of steps.entries()) {
      if (isOfListener(step)) continue;
      if (step.path === "/v3/maintenance/alarm") {
        it(`${title}: ${index} (the alarm is set on the fake)`, () => {
          const alarm = step.body?.alarm ?? "";
          if (step.body?.action === "ACTIVATE") member.active.add(alarm);
          else member.active.delete(alarm);
          expect(step.status).toBe(200);
        });
        continue;
      }
      if (isOfGateway(step)) continue;
      const asked = requestOf(step);
      it(`${title}: ${index} ${asked.method} ${asked.target} ${JSON.stringify(step.headers ?? {})}`, async () => {
        const answer = await ask(handlers.get(step.port ?? "") ?? clients, asked);
        expect(answer.status).toBe(step.status);
        for (const [name, value] of Object.entries(step.response_headers ?? {}))
          expect(answer.headers.get(name), name).toBe(value);
        expectBody(await answer.text(), step.response);
      });
    }
  }
});
