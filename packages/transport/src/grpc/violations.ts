import { Code, type Status } from "./status.js";

/** What a client gets that breaks the form of its call, in grpc-go's words where it has some. */
export const severalRequests: Status = {
  code: Code.Internal,
  message: "cardinality violation: received multiple request messages for non-client-streaming RPC",
};
export const noRequest: Status = {
  code: Code.Internal,
  message: "cardinality violation: received no request message from non-client-streaming RPC",
};
export const cutOff: Status = { code: Code.Internal, message: "unexpected EOF" };
export const tooMuchUnfinished: Status = {
  code: Code.ResourceExhausted,
  message: "grpc: too many bytes of unfinished messages",
};
export const tooMuchUnread: Status = {
  code: Code.ResourceExhausted,
  message: "grpc: too many bytes of unread messages",
};
export const deadlineExceeded: Status = { code: Code.DeadlineExceeded, message: "context deadline exceeded" };
