export { type DirectoryLock, type LockOptions, lockDirectory } from "./directory-lock.js";
export { defaultSegmentBytesMax, openWal } from "./open-wal.js";
export { type LogReading, readLog } from "./read-log.js";
export { RealDisk, RealDiskFile } from "./real-disk.js";
export type { LogTail, Segment } from "./segment-log.js";
export type { Recovered, Wal, WalBatch, WalEntry, WalOptions, WalPorts, WalSnapshot, WalStats } from "./wal.js";
export { WalError, type WalFault } from "./wal-error.js";
