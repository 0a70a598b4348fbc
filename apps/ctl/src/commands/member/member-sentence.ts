import type { ResponseHeader } from "@quorate/proto";

/** "Member <id> removed from cluster <id>", ids in hexadecimal and at least sixteen wide. */
export function memberSentence(id: bigint, happened: string, header: ResponseHeader | undefined): string {
  return `Member ${wide(id)} ${happened} cluster ${wide(header?.clusterId ?? 0n)}`;
}

function wide(id: bigint): string {
  return id.toString(16).padStart(16);
}
