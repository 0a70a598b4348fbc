export { type ApiCase, type ApiStep, parseApiCase } from "./api/api-case.js";
export { decodeMessage, encodeMessage } from "./api/message-json.js";
export { productSchema } from "./api/product-schema.js";
export { replayApiCase } from "./api/replay.js";
export type { FieldShape, MessageShape, Schema } from "./api/schema.js";
export { type CtlCase, type CtlStep, parseCtlCase } from "./ctl/ctl-case.js";
export { type CtlReplayOptions, programPaths, replayCtlCase } from "./ctl/ctl-replay.js";
export { type HttpCase, type HttpStep, parseHttpCase } from "./http/http-case.js";
export { replayHttpCase } from "./http/http-replay.js";
export { findFreePort } from "./member/free-port.js";
export {
  killMembers,
  type MemberExit,
  type MemberOptions,
  MemberProcess,
  memberBinary,
} from "./member/member-process.js";
export { Mismatch } from "./mismatch.js";
export {
  checkExpectations,
  type Expectations,
  judgeCase,
  listCases,
  type Reasons,
  readCase,
  readDifferences,
  type Verdict,
} from "./pending.js";
