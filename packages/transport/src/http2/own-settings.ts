import type { Limits } from "../limits.js";
import { Setting } from "./protocol.js";

/** What the SETTINGS frame says that a server begins with. */
export function settingsPayload(limits: Limits): Buffer {
  const pairs: [number, number][] = [
    [Setting.MAX_CONCURRENT_STREAMS, limits.maxConcurrentStreams],
    [Setting.INITIAL_WINDOW_SIZE, limits.streamWindowBytes],
    [Setting.MAX_HEADER_LIST_SIZE, limits.maxHeaderListBytes],
  ];
  if (limits.headerTableBytes !== 4096) pairs.push([Setting.HEADER_TABLE_SIZE, limits.headerTableBytes]);
  const payload = Buffer.alloc(6 * pairs.length);
  pairs.forEach(([name, value], i) => {
    payload.writeUInt16BE(name, 6 * i);
    payload.writeUInt32BE(value, 6 * i + 2);
  });
  return payload;
}
