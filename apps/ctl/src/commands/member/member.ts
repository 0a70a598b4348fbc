import { defineCommand } from "../../frame/command.js";
import { memberAdd } from "./add.js";
import { memberList } from "./list.js";
import { memberPromote, memberRemove } from "./remove.js";
import { memberUpdate } from "./update.js";

export const member = defineCommand({
  name: "member",
  short: "Membership related commands",
  group: "Cluster maintenance commands",
  commands: [memberAdd, memberRemove, memberUpdate, memberList, memberPromote],
});
