import { defineCommand } from "../../frame/command.js";
import { endpointHashKv } from "./hash-kv.js";
import { endpointHealth } from "./health.js";
import { endpointStatus } from "./status.js";
import { clusterFlags } from "./chosen-endpoints.js";

export const endpoint = defineCommand({
  name: "endpoint",
  short: "Endpoint related commands",
  group: "Cluster maintenance commands",
  flags: clusterFlags,
  commands: [endpointHealth, endpointStatus, endpointHashKv],
});
