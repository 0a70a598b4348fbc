import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { createLogger, LogOutputError, type LogFormat, type LogLevel } from "../src/index.js";

const wallMs = Date.UTC(2026, 10, 22, 17, 4, 5, 123) + 0.456;
const directories: string[] = [];

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "quorate-log-"));
  directories.push(directory);
  return directory;
}

function build(level: LogLevel = "info", format: LogFormat = "json") {
  const lines: string[] = [];
  const clock = { now: wallMs, wallMs: () => clock.now };
  const logger = createLogger(
    { level, format, outputs: { write: (line) => lines.push(line), close: () => {} } },
    { clock },
  );
  return { logger, lines, clock, records: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe("createLogger", () => {
  it("writes one object a line, with its parts in etcd's order", () => {
    const { logger, lines, records } = build();
    logger.info("ready to serve client requests", { "member-id": 255n, took: "1.5s", error: new Error("broken") });
    expect(lines[0]?.endsWith("}\n")).toBe(true);
    const [record] = records();
    expect(Object.keys(record ?? {})).toEqual(["level", "ts", "caller", "msg", "member-id", "took", "error"]);
    expect(record).toMatchObject({
      level: "info",
      msg: "ready to serve client requests",
      "member-id": "ff",
      error: "broken",
    });
    expect(record?.caller).toMatch(/^telemetry\/test\/logger\.test\.(ts|js):\d+$/);
    expect(record?.ts).toMatch(/^2026-11-2\dT\d\d:04:05\.123456(Z|[+-]\d{4})$/);
  });

  it("keeps lines below the level to itself", () => {
    const { logger, records } = build("warn");
    logger.debug("a");
    logger.info("b");
    logger.warn("c");
    logger.panic("d");
    logger.fatal("e");
    expect(records().map(({ level, msg }) => [level, msg])).toEqual([
      ["warn", "c"],
      ["panic", "d"],
      ["fatal", "e"],
    ]);
  });

  it("adds the stack from error on", () => {
    const { logger, records } = build();
    logger.warn("w");
    logger.error("e");
    const [warn, error] = records();
    expect(warn).not.toHaveProperty("stacktrace");
    expect(String(error?.stacktrace)).toMatch(/logger\.test\.ts:\d+/);
  });

  it("names its children", () => {
    const { logger, records } = build();
    logger.named("raft").named("log").info("x");
    expect(Object.keys(records()[0] ?? {})).toEqual(["level", "ts", "logger", "caller", "msg"]);
    expect(records()[0]?.logger).toBe("raft.log");
  });

  it("lets a hundred equal lines a second through, then every hundredth", () => {
    const { logger, lines, clock } = build();
    for (let i = 0; i < 350; i++) logger.info("noise");
    expect(lines.length).toBe(102);
    logger.info("another");
    expect(lines.length).toBe(103);
    clock.now += 1000;
    logger.info("noise");
    expect(lines.length).toBe(104);
  });

  it("never drops a fatal line", () => {
    const { logger, lines } = build();
    for (let i = 0; i < 150; i++) logger.fatal("end");
    expect(lines.length).toBe(150);
  });

  it("writes the console format with tabs", () => {
    const { logger, lines } = build("info", "console");
    logger.named("raft").info("elected leader", { term: 2, name: "a b" });
    const columns = lines[0]?.split("\t") ?? [];
    expect(columns.slice(1, 3)).toEqual(["info", "raft"]);
    expect(columns.slice(4)).toEqual(["elected leader", '{"term": 2, "name": "a b"}\n']);
  });

  it("appends to files at once", () => {
    const path = join(scratch(), "etcd.log");
    const logger = createLogger({ level: "info", format: "json", outputs: [path] });
    logger.info("one");
    logger.fatal("two");
    expect(
      readFileSync(path, "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).msg),
    ).toEqual(["one", "two"]);
    logger.close();
    const again = createLogger({ level: "info", format: "json", outputs: [path] });
    again.info("three");
    again.close();
    expect(readFileSync(path, "utf8").split("\n").length).toBe(4);
  });

  it("discards everything when /dev/null is among the outputs", () => {
    const path = join(scratch(), "etcd.log");
    const logger = createLogger({ level: "info", format: "json", outputs: [path, "/dev/null"] });
    logger.info("one");
    logger.close();
    expect(() => readFileSync(path)).toThrow("ENOENT");
  });

  it("says which file it cannot open", () => {
    const path = join(scratch(), "no", "etcd.log");
    const open = () => createLogger({ level: "info", format: "json", outputs: [path] });
    expect(open).toThrow(LogOutputError);
    expect(open).toThrow(`path=${path} reason=ENOENT`);
  });
});
