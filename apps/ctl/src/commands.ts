import { alarm } from "./commands/alarm.js";
import { auth } from "./commands/auth/auth.js";
import { check } from "./commands/check/check.js";
import { compaction } from "./commands/compaction.js";
import { completionCommand } from "./commands/completion.js";
import { elect } from "./commands/concurrency/elect.js";
import { lock } from "./commands/concurrency/lock.js";
import { defrag } from "./commands/defrag.js";
import { del } from "./commands/del.js";
import { downgrade } from "./commands/downgrade.js";
import { endpoint } from "./commands/endpoint/endpoint.js";
import { get } from "./commands/get.js";
import { helpCommand } from "./commands/help.js";
import { lease } from "./commands/lease/lease.js";
import { makeMirror } from "./commands/make-mirror.js";
import { member } from "./commands/member/member.js";
import { moveLeader } from "./commands/move-leader.js";
import { options } from "./commands/options.js";
import { put } from "./commands/put.js";
import { role } from "./commands/role/role.js";
import { snapshot } from "./commands/snapshot.js";
import { txn } from "./commands/txn.js";
import { user } from "./commands/user/user.js";
import { version } from "./commands/version.js";
import { watch } from "./commands/watch.js";
import type { Command } from "./frame/command.js";

/** The program. The order of the commands is the one in which near names are suggested. */
export function rootCommand(programName: string): Command {
  const root: Command = {
    name: programName,
    short: "A command line client for Quorate and etcd v3.",
    commands: [
      get,
      put,
      del,
      txn,
      compaction,
      alarm,
      defrag,
      endpoint,
      moveLeader,
      watch,
      version,
      lease,
      member,
      snapshot,
      makeMirror,
      lock,
      elect,
      auth,
      user,
      role,
      check,
      completionCommand(programName, () => root),
      downgrade,
      options,
      helpCommand(() => root),
    ],
  };
  return root;
}
