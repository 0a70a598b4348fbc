import type { FlagTable, FlagValues } from "./flag-table.js";

/** Flags that every command has. */
export const globalFlags = {
  "auth-jwt-token": {
    kind: "string",
    help: "token to authenticate with, instead of --user and --password",
  },
  cacert: { kind: "string", help: "file with the authorities that may sign the members' certificates" },
  cert: { kind: "string", help: "file with this client's certificate; needs --key" },
  "command-timeout": { kind: "duration", default: 5_000, help: "time for a short command, connecting included" },
  debug: { kind: "bool", help: "print the global options on standard error, as variables" },
  "dial-timeout": { kind: "duration", default: 2_000, help: "time for one attempt to connect" },
  "discovery-srv": { kind: "string", short: "d", help: "domain whose SRV records name the endpoints" },
  "discovery-srv-name": { kind: "string", help: "suffix of the service's name in SRV records" },
  endpoints: {
    kind: "strings",
    default: ["127.0.0.1:2379"],
    help: "members to ask: host:port, http(s)://host:port, unix://path",
  },
  hex: { kind: "bool", help: "print bytes and ids in hexadecimal" },
  "insecure-discovery": { kind: "bool", default: true, help: "accept SRV records of members without TLS" },
  "insecure-skip-tls-verify": { kind: "bool", help: "accept any certificate of a member (for tests only)" },
  "insecure-transport": { kind: "bool", default: true, help: "use no TLS for endpoints without a scheme" },
  "keepalive-time": { kind: "duration", default: 2_000, help: "time without a sign of life before one is asked for" },
  "keepalive-timeout": { kind: "duration", default: 6_000, help: "time to wait for that sign of life" },
  key: { kind: "string", help: "file with the key of --cert" },
  "max-recv-bytes": { kind: "int", help: "largest answer, in bytes (0: 2^31-1)" },
  "max-request-bytes": { kind: "int", help: "largest request, in bytes (0: 2 MiB)" },
  password: { kind: "string", help: "password; --user is then the name alone" },
  user: { kind: "string", help: "name[:password]; a missing password is asked for" },
  "write-out": {
    kind: "string",
    short: "w",
    default: "simple",
    help: "form of the output: fields, json, protobuf, simple, table",
  },
} as const satisfies FlagTable;

/** The values of the global flags. */
export type GlobalValues = FlagValues<typeof globalFlags>;
