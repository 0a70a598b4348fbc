import { expect, it } from "vitest";
import * as door from "../src/index.js";

const { codecOf, enums, messages } = door;

/** Packages whose names are too general carry the package's name in front. */
const prefixed = new Set(["raftpb", "walpb", "snappb", "leasepb", "membershippb"]);

function exportedName(fullName: string): string {
  const parts = fullName.split(".");
  const packageLength = fullName.startsWith("grpc.health.v1.") ? 3 : 1;
  const local = parts.slice(packageLength).join("_");
  return prefixed.has(parts[0]!)
    ? [parts[0]!, local].map((one) => one[0]!.toUpperCase() + one.slice(1)).join("")
    : local;
}

it.each([...messages.keys()])("exports the codec of %s", (name) => {
  expect((door as Readonly<Record<string, unknown>>)[exportedName(name)]).toBe(codecOf(name));
});

it.each([...enums.values()])("exports the values of $name", ({ name, values }) => {
  const expected = Object.fromEntries(values.map((one) => [one.name, one.number]));
  expect((door as Readonly<Record<string, unknown>>)[exportedName(name)]).toEqual(expected);
});

it("exports nothing else but what the README names", () => {
  const names = new Set([...messages.keys(), ...enums.keys()].map(exportedName));
  const others = Object.keys(door).filter((name) => !names.has(name));
  expect(others.sort()).toEqual([
    "ProtoError",
    "Writer",
    "codecOf",
    "enums",
    "fromJson",
    "messages",
    "services",
    "toJson",
  ]);
});
