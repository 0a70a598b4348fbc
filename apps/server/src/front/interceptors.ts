import type { CallInfo, GrpcServices, Status } from "@quorate/transport";
import { publicError } from "../public-errors.js";
import type { ServerFault } from "../server-fault.js";
import type { Front } from "./front.js";

const learnerPaths: ReadonlySet<string> = new Set([
  "/etcdserverpb.Maintenance/Status",
  "/etcdserverpb.KV/Range",
  "/etcdserverpb.Maintenance/Snapshot",
]);

/** What is looked at before any handler: whether a learner may answer this, and whether the caller insists on a leader. */
export function registerInterceptors(
  services: GrpcServices,
  front: Front,
  begun: (call: CallInfo) => void = () => {},
): void {
  services.intercept((call) => {
    begun(call);
    return refusalOf(front, call);
  });
}

function refusalOf(front: Front, call: CallInfo): Status | undefined {
  if (front.state.isLearner && !learnerPaths.has(call.path)) return statusOf({ code: "server/learner" });
  if (front.state.leader === undefined && call.metadata.get("hasleader") === "true")
    return statusOf({ code: "server/no-leader" });
  return undefined;
}

function statusOf(fault: ServerFault): Status {
  const { status, message } = publicError(fault);
  return { code: status, message };
}
