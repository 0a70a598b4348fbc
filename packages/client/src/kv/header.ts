import type { ResponseHeader } from "@quorate/proto";

/** Who answered, and in what state. */
export type Header = {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  /** Of the store, when the answer was made. */
  readonly revision: bigint;
  readonly raftTerm: bigint;
};

/** The header of an answer. */
export function headerOf(answer: { header: ResponseHeader | undefined }): Header {
  const header = answer.header;
  if (header === undefined) return { clusterId: 0n, memberId: 0n, revision: 0n, raftTerm: 0n };
  const { clusterId, memberId, revision, raftTerm } = header;
  return { clusterId, memberId, revision, raftTerm };
}
