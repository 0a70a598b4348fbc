import type { KeyValue, ResponseHeader } from "@quorate/proto";
import type { PrintOptions } from "./forms.js";
import type { Page } from "./page.js";

/** A key's line and its value's line. */
export function printPair(page: Page, pair: KeyValue, options: PrintOptions): void {
  printBytes(page, pair.key, options);
  printBytes(page, pair.value, options);
}

/** Bytes as a line: as they are, or each as \xNN. */
export function printBytes(page: Page, bytes: Uint8Array, options: PrintOptions): void {
  if (options.isHex) page.line(Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join(""));
  else page.bytes(bytes).line();
}

/** The lines of the fields form about a pair. @param prefix "Prev" for the one before a change. */
export function printPairFields(page: Page, pair: KeyValue, prefix: "" | "Prev", options: PrintOptions): void {
  page
    .quotedField(`${prefix}Key`, pair.key)
    .field(`${prefix}CreateRevision`, pair.createRevision)
    .field(`${prefix}ModRevision`, pair.modRevision)
    .field(`${prefix}Version`, pair.version)
    .quotedField(`${prefix}Value`, pair.value)
    .field(`${prefix}Lease`, options.isHex ? hexId(pair.lease) : pair.lease);
}

/** The lines of the fields form about a header. One that is missing prints as empty. */
export function printHeaderFields(page: Page, header: ResponseHeader | undefined, options: PrintOptions): void {
  const { clusterId, memberId, revision, raftTerm } = header ?? {
    clusterId: 0n,
    memberId: 0n,
    revision: 0n,
    raftTerm: 0n,
  };
  page
    .field("ClusterID", options.isHex ? clusterId.toString(16) : clusterId)
    .field("MemberID", options.isHex ? memberId.toString(16) : memberId);
  if (revision > 0n) page.field("Revision", revision);
  page.field("RaftTerm", raftTerm);
}

/** Sixteen hexadecimal digits: leases. */
export function hexId(id: bigint): string {
  return BigInt.asUintN(64, id).toString(16).padStart(16, "0");
}
