import { alarm } from "./commands/alarm.js";
import { defrag } from "./commands/defrag.js";
import { downgrade } from "./commands/downgrade.js";
import { endpoint } from "./commands/endpoint/endpoint.js";
import { lease } from "./commands/lease/lease.js";
import { member } from "./commands/member/member.js";
import { moveLeader } from "./commands/move-leader.js";
import { put } from "./commands/put.js";
import { snapshot } from "./commands/snapshot.js";
import type { Command } from "./frame/command.js";

/** The program. The order of the commands is the one in which near names are suggested. */
export function rootCommand(programName: string): Command {
  return {
    name: programName,
    short: "A command line client for Quorate and etcd v3.",
    commands: [put, alarm, defrag, endpoint, moveLeader, lease, member, snapshot, downgrade],
  };
}
