import type { MemberId } from "@quorate/common";
import {
  type AlarmMember,
  type AlarmRequest,
  AlarmRequest_AlarmAction as AlarmAction,
  AlarmMember as AlarmMemberCodec,
  type MembershippbClusterMemberAttrSetRequest as ClusterMemberAttrSetRequest,
  type MembershippbClusterVersionSetRequest as ClusterVersionSetRequest,
} from "@quorate/proto";
import { beginTransaction } from "./apply-kv.js";
import { type ApplyContext, headerAt, type MemberState, type Outcome, refuse } from "./member-state.js";
import { MessageBuilder } from "./reply-writer.js";

/** Lists, activates or deactivates alarms. */
export function applyAlarm(state: MemberState, request: AlarmRequest, context: ApplyContext): Outcome {
  const txn = beginTransaction(state, context);
  const named = { memberID: request.memberID, alarm: request.alarm };
  let told: readonly AlarmMember[];
  switch (request.action) {
    case AlarmAction.GET:
      told = state.alarms.list(request.alarm);
      break;
    case AlarmAction.ACTIVATE:
      told = state.alarms.activate(txn, named);
      break;
    case AlarmAction.DEACTIVATE:
      told = state.alarms.deactivate(txn, named);
      break;
    default: // etcd's members die of this one; the front refuses it, and so does every member
      txn.abort();
      return refuse({ code: "server/unknown-alarm-action", action: request.action });
  }
  const committed = txn.commit();
  const message = new MessageBuilder().raw(headerAt(state, committed.revision, context.term));
  for (const alarm of told) message.bytes(2, AlarmMemberCodec.encode(alarm));
  return { kind: "done", reply: message.take(), committed };
}

/** A member says its name and where clients reach it. */
export function applyMemberAttributes(
  state: MemberState,
  request: ClusterMemberAttrSetRequest,
  context: ApplyContext,
): Outcome {
  const txn = beginTransaction(state, context);
  const attributes = request.memberAttributes;
  if (attributes !== undefined) {
    const clientURLs = attributes.clientUrls;
    state.membership.publish(txn, request.memberID as MemberId, { name: attributes.name, clientURLs });
  }
  const committed = txn.commit();
  return { kind: "done", reply: new Uint8Array(0), committed };
}

/** The members agree on a version. */
export function applyClusterVersion(
  state: MemberState,
  request: ClusterVersionSetRequest,
  context: ApplyContext,
): Outcome {
  const txn = beginTransaction(state, context);
  state.membership.setClusterVersion(txn, request.ver);
  const committed = txn.commit();
  return { kind: "done", reply: new Uint8Array(0), committed };
}
