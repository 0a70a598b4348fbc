import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  codecOf,
  type EnumDescriptor,
  enums,
  type FieldDescriptor,
  type MessageDescriptor,
  type MethodDescriptor,
  messages,
  services,
} from "../src/index.js";

/** What etcd 3.7.1 defines, as recorded from its release: the shape of fixtures/etcd-wire.json. */
type EtcdPackage = {
  services?: Record<string, readonly EtcdMethod[]>;
  messages: Record<string, EtcdMessage>;
  enums: Record<string, { values: EtcdValue[]; since?: string }>;
  extensions?: readonly { extends: string; name: string; number: number; type: string }[];
};
type EtcdField = {
  number: number;
  name: string;
  type: string;
  kind: string;
  label: string;
  json_name?: string;
  oneof?: string;
  packed?: boolean;
  since?: string;
};
type EtcdMessage = {
  syntax: string;
  fields: EtcdField[];
  since?: string;
  reserved_numbers?: number[][];
  reserved_names?: string[];
};
type EtcdValue = { name: string; number: number; since?: string };
type EtcdMethod = {
  name: string;
  path: string;
  request: string;
  response: string;
  client_streaming: boolean;
  server_streaming: boolean;
  http: { method: string; path: string; body: string }[];
};

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");
const etcd = (JSON.parse(read("./fixtures/etcd-wire.json")) as { packages: Record<string, EtcdPackage> }).packages;
const etcdPackages = Object.entries(etcd);
const all = <T>(see: (one: EtcdPackage) => Record<string, T> | undefined): [string, T][] =>
  etcdPackages.flatMap(([, one]) => Object.entries(see(one) ?? {}));

/** All that is ours and not etcd's. Everything else must be equal, in both directions. */
const additions = {
  fields: { "etcdserverpb.InternalRaftRequest": [20000] } as Readonly<Record<string, readonly number[]>>,
  packages: ["quoratepb", "grpc.health.v1"],
};
const isOwn = (name: string): boolean => additions.packages.some((one) => name.startsWith(`${one}.`));

describe("messages", () => {
  it.each(all((one) => one.messages))("%s has etcd's fields", (name, expected) => {
    const message = messages.get(name);
    expect(message && etcdMessage(message)).toEqual({ ...expected, fields: [...expected.fields].sort(byNumber) });
  });

  it("are etcd's and the known additions, no others", () => {
    const known = all((one) => one.messages).map(([name]) => name);
    expect([...messages.keys()].filter((name) => !isOwn(name)).sort()).toEqual(known.sort());
    const added = [...messages.keys()].filter(isOwn).filter((name) => name.startsWith("quoratepb."));
    expect(added).toEqual(["quoratepb.LeaseWork", "quoratepb.RemainingTime", "quoratepb.StoredLease"]);
  });

  it("carry the additions where no number of etcd's can come", () => {
    const field = messages.get("etcdserverpb.InternalRaftRequest")?.fields.find((one) => one.number === 20000);
    expect(field).toMatchObject({ name: "lease_work", type: "quoratepb.LeaseWork", label: "singular" });
    const highest = Math.max(
      ...etcd.etcdserverpb!.messages["etcdserverpb.InternalRaftRequest"]!.fields.map((one) => one.number),
    );
    expect(highest).toBe(9900);
  });
});

describe("enums", () => {
  it.each(all((one) => one.enums))("%s has etcd's values", (name, expected) => {
    const found = enums.get(name);
    expect(found && etcdEnum(found)).toEqual(expected);
  });

  it("are etcd's and the known additions, no others", () => {
    const known = all((one) => one.enums).map(([name]) => name);
    expect([...enums.keys()].filter((name) => !isOwn(name)).sort()).toEqual(known.sort());
  });
});

describe("services", () => {
  it.each(all((one) => one.services))("%s has etcd's methods and routes", (name, expected) => {
    expect(services.get(name)?.methods.map(etcdMethod)).toEqual(expected);
  });

  it("are etcd's and gRPC's health service", () => {
    const known = all((one) => one.services).map(([name]) => name);
    expect([...services.keys()].sort()).toEqual([...known, "grpc.health.v1.Health"].sort());
  });

  it("describe the health service as gRPC does", () => {
    const health = services.get("grpc.health.v1.Health")!;
    expect(health.methods.map((one) => [one.path, one.request, one.response, one.serverStreaming])).toEqual([
      [
        "/grpc.health.v1.Health/Check",
        "grpc.health.v1.HealthCheckRequest",
        "grpc.health.v1.HealthCheckResponse",
        false,
      ],
      ["/grpc.health.v1.Health/List", "grpc.health.v1.HealthListRequest", "grpc.health.v1.HealthListResponse", false],
      ["/grpc.health.v1.Health/Watch", "grpc.health.v1.HealthCheckRequest", "grpc.health.v1.HealthCheckResponse", true],
    ]);
  });

  it("name only messages that have a codec", () => {
    const names = [...services.values()].flatMap((one) =>
      one.methods.flatMap((method) => [method.request, method.response]),
    );
    for (const name of names) expect(codecOf(name).name).toBe(name);
  });
});

describe("the version annotations", () => {
  it("have etcd's names and numbers", () => {
    const text = read("../proto/versionpb/version.proto");
    for (const one of etcd.versionpb!.extensions!) {
      const name = one.name.slice("versionpb.".length);
      expect(text).toMatch(new RegExp(`extend ${one.extends} \\{\\s+optional ${one.type} ${name} = ${one.number};`));
    }
  });
});

describe("codecOf", () => {
  it("finds every message by name", () => {
    for (const name of messages.keys()) expect(codecOf(name).name).toBe(name);
  });

  it("refuses a name that nothing has", () => {
    expect(() => codecOf("etcdserverpb.Nothing")).toThrow(RangeError);
  });
});

function byNumber(a: { number: number }, b: { number: number }): number {
  return a.number - b.number;
}

/** Our descriptor in the words of the fixture, in which an absent property means "none" or "the same as the name". */
function etcdMessage(message: MessageDescriptor): EtcdMessage {
  const added = additions.fields[message.name] ?? [];
  return {
    syntax: message.syntax,
    fields: message.fields.filter((one) => !added.includes(one.number)).map(etcdField),
    ...(message.since === undefined ? {} : { since: message.since }),
    ...(message.reservedNumbers.length === 0
      ? {}
      : { reserved_numbers: message.reservedNumbers.map((one) => [...one]) }),
    ...(message.reservedNames.length === 0 ? {} : { reserved_names: [...message.reservedNames] }),
  };
}

function etcdField(field: FieldDescriptor): EtcdField {
  const isNumeric = field.kind === "enum" || !["bytes", "string"].includes(field.type);
  return {
    number: field.number,
    name: field.name,
    type: field.type,
    kind: field.kind,
    label: field.label,
    ...(field.jsonName === field.name ? {} : { json_name: field.jsonName }),
    ...(field.oneof === undefined ? {} : { oneof: field.oneof }),
    ...(field.label === "repeated" && field.kind !== "message" && isNumeric ? { packed: field.packed } : {}),
    ...(field.since === undefined ? {} : { since: field.since }),
  };
}

function etcdEnum(found: EnumDescriptor): { values: EtcdValue[]; since?: string } {
  return {
    values: found.values.map(({ name, number, since }) => ({
      name,
      number,
      ...(since === undefined ? {} : { since }),
    })),
    ...(found.since === undefined ? {} : { since: found.since }),
  };
}

function etcdMethod(method: MethodDescriptor): EtcdMethod {
  const { name, path, request, response, clientStreaming, serverStreaming, http } = method;
  return {
    name,
    path,
    request,
    response,
    client_streaming: clientStreaming,
    server_streaming: serverStreaming,
    http: http.map((one) => ({ ...one })),
  };
}
