import { CodedError, type Revision } from "@quorate/common";

/** What the store refuses, or why it can not be opened. */
export type MvccFault =
  | { code: "mvcc/compacted"; requested: Revision; compacted: Revision }
  | { code: "mvcc/future-revision"; requested: Revision; current: Revision }
  | { code: "mvcc/key-not-found" }
  | { code: "mvcc/closed" }
  /** What was asked of a file that another one has taken the place of (`install`). Ask again. */
  | { code: "mvcc/replaced" }
  | { code: "mvcc/cannot-open"; path: string; reason: string }
  | { code: "mvcc/foreign-file"; path: string; reason: string }
  | { code: "mvcc/newer-format"; path: string; format: number; supported: number }
  | { code: "mvcc/corrupt"; path: string; reason: string }
  | { code: "mvcc/io"; path: string; reason: string };

/** The one error class of this package. `fault.code` tells the cases apart. */
export class MvccError extends CodedError<MvccFault> {}
