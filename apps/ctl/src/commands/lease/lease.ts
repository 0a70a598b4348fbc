import { defineCommand } from "../../frame/command.js";
import { leaseGrant } from "./grant.js";
import { leaseKeepAlive } from "./keep-alive.js";
import { leaseList } from "./list.js";
import { leaseRevoke } from "./revoke.js";
import { leaseTimeToLive } from "./time-to-live.js";

export const lease = defineCommand({
  name: "lease",
  short: "Lease related commands",
  group: "Key-value commands",
  commands: [leaseGrant, leaseRevoke, leaseTimeToLive, leaseList, leaseKeepAlive],
});
