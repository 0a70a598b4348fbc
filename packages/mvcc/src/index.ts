export { type DatabaseFacts, inspectDatabase, replaceDatabase } from "./inspect-database.js";
export { type KeyRange, keyRangeFromWire } from "./key-range.js";
export { arrangeRecords, recordsNeeded } from "./range.js";
export type {
  Attachment,
  Backup,
  Change,
  Committed,
  DeleteResult,
  EntryId,
  HashKvResult,
  HistoryBatch,
  HistoryLimits,
  KeyMeta,
  Mvcc,
  MvccOptions,
  MvccPorts,
  PutResult,
  RangeChunk,
  RangeCursor,
  RangeQuery,
  RangeResult,
  RangeSort,
  StoreSize,
  WriteTransaction,
} from "./mvcc.js";
export { MvccError, type MvccFault } from "./mvcc-error.js";
export { openMvcc } from "./open-mvcc.js";
export { defaultWatchHubOptions, WatchHub, type WatchHubOptions } from "./watch/watch-hub.js";
export type {
  WatchBatch,
  Watcher,
  WatchProgress,
  WatchRequest,
  WatchSink,
  WatchSource,
  WatchStats,
} from "./watch/watch-types.js";
