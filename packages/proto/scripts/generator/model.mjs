// From .proto files to plain objects. protobufjs parses; everything that the options mean is read here.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import protobuf from "protobufjs";
import { camelCase } from "./names.mjs";

/** Packages that only carry annotations, and are not generated. */
const annotationPackages = new Set(["google.api", "google.protobuf", "versionpb"]);
const packable = new Set(["bool", "int32", "uint32", "int64", "uint64"]);
const scalars = new Set([...packable, "string", "bytes"]);

/**
 * Reads every .proto file below a directory.
 * @returns {{ packages: Map<string, { name: string, messages: object[], enums: object[], services: object[] }>,
 *   messages: Map<string, object>, enums: Map<string, object> }}
 */
export function readModel(directory) {
  const root = new protobuf.Root();
  const syntaxOf = new Map();
  for (const file of listProtoFiles(directory)) {
    const text = readFileSync(join(directory, file), "utf8");
    syntaxOf.set(file, /^syntax = "(proto[23])";$/m.exec(text)[1]);
    protobuf.parse.filename = file;
    protobuf.parse(text, root, { keepCase: true, alternateCommentMode: false });
  }
  resolveTypes(root);
  const packages = new Map();
  visit(root, (object) => addObject(packages, object, syntaxOf));
  const all = (key) => new Map([...packages.values()].flatMap((one) => one[key]).map((one) => [one.name, one]));
  return { packages, messages: all("messages"), enums: all("enums") };
}

/** The same files as a protobufjs root, for tests that compare with its own reflection. */
export function listProtoFiles(directory) {
  return readdirSync(directory, { recursive: true })
    .filter((name) => name.endsWith(".proto"))
    .sort();
}

function resolveTypes(root) {
  visit(root, (object) => {
    if (object instanceof protobuf.Type) for (const field of object.fieldsArray) field.resolve();
    if (object instanceof protobuf.Service) for (const method of object.methodsArray) method.resolve();
  });
}

function visit(namespace, see) {
  for (const object of namespace.nestedArray ?? []) {
    see(object);
    if (object instanceof protobuf.Namespace) visit(object, see);
  }
}

function addObject(packages, object, syntaxOf) {
  const packageName = packageOf(object);
  if (annotationPackages.has(packageName)) return;
  const key = kindOf(object);
  if (key === undefined) return;
  const owner = packages.get(packageName) ?? { name: packageName, messages: [], enums: [], services: [] };
  packages.set(packageName, owner);
  if (key === "messages") owner.messages.push(readMessage(object, packageName, syntaxOf.get(object.filename)));
  if (key === "enums") owner.enums.push(readEnum(object, packageName));
  if (key === "services") owner.services.push(readService(object));
}

function kindOf(object) {
  if (object instanceof protobuf.Type) return "messages";
  if (object instanceof protobuf.Enum) return "enums";
  if (object instanceof protobuf.Service) return "services";
  return undefined;
}

function packageOf(object) {
  let one = object;
  while (one instanceof protobuf.Type || one instanceof protobuf.Enum || one instanceof protobuf.Service)
    one = one.parent;
  return one.fullName.slice(1);
}

function readMessage(type, packageName, syntax) {
  const fields = type.fieldsArray.map((field) => readField(field, syntax)).sort((a, b) => a.number - b.number);
  const reserved = type.reserved ?? [];
  return {
    name: type.fullName.slice(1),
    packageName,
    syntax,
    fields,
    reservedNumbers: reserved.filter((one) => Array.isArray(one)),
    reservedNames: reserved.filter((one) => typeof one === "string"),
    since: type.options?.["(versionpb.etcd_version_msg)"],
    depthMax: type.options?.["(quoratepb.depth_max)"],
  };
}

function readField(field, syntax) {
  const target = field.resolvedType;
  const kind = target === null ? "scalar" : target instanceof protobuf.Enum ? "enum" : "message";
  if (field.map) throw new Error(`${field.fullName}: write a map as a list of entries`);
  if (kind === "scalar" && !scalars.has(field.type)) throw new Error(`${field.fullName}: no support for ${field.type}`);
  const isPackable = field.repeated && (kind === "enum" || packable.has(field.type));
  return {
    number: field.id,
    name: field.name,
    jsonName: camelCase(field.name),
    type: kind === "scalar" ? field.type : target.fullName.slice(1),
    kind,
    label: field.repeated ? "repeated" : syntax === "proto2" ? "optional" : "singular",
    packed: isPackable && (field.options?.packed ?? syntax === "proto3") === true,
    oneof: field.partOf?.name,
    since: field.options?.["(versionpb.etcd_version_field)"],
  };
}

function readEnum(type, packageName) {
  return {
    name: type.fullName.slice(1),
    packageName,
    values: Object.entries(type.values).map(([name, number]) => ({
      name,
      number,
      since: type.valuesOptions?.[name]?.["(versionpb.etcd_version_enum_value)"],
    })),
    since: type.options?.["(versionpb.etcd_version_enum)"],
  };
}

function readService(service) {
  const name = service.fullName.slice(1);
  return {
    name,
    methods: service.methodsArray.map((method) => ({
      name: method.name,
      path: `/${name}/${method.name}`,
      request: method.resolvedRequestType.fullName.slice(1),
      response: method.resolvedResponseType.fullName.slice(1),
      clientStreaming: method.requestStream === true,
      serverStreaming: method.responseStream === true,
      http: (method.parsedOptions ?? []).flatMap((option) => readRule(option["(google.api.http)"])),
    })),
  };
}

function readRule(rule) {
  if (rule === undefined) return [];
  const verb = ["get", "put", "post", "delete", "patch"].find((one) => rule[one] !== undefined);
  const more = rule.additional_bindings ?? [];
  return [
    { method: verb.toUpperCase(), path: rule[verb], body: rule.body },
    ...(Array.isArray(more) ? more : [more]).flatMap((one) => readRule(one)),
  ];
}
