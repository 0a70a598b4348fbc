/**
 * A disk. Everything written may be lost, torn at any byte or kept in another order until `sync` has called back without a
 * failure; names (create, rename, remove) until `syncDirectory` has returned. Operations throw the operating system's error
 * (`code`: "ENOSPC", "EACCES", "EIO", ...) and may have had part of their effect then.
 */
export interface Disk {
  /** Names in a directory, sorted. @throws when it does not exist. */
  list(directory: string): readonly string[];
  exists(path: string): boolean;
  /** Makes a directory and its parents, mode 0700. Does nothing when it exists. */
  makeDirectory(directory: string): void;
  /** `create` fails when the file exists, the others when it does not. New files have mode 0600. */
  open(path: string, mode: "create" | "read" | "write"): DiskFile;
  rename(from: string, to: string): void;
  remove(path: string): void;
  /** Makes the names in a directory durable. */
  syncDirectory(directory: string): void;
}

/** An open file of a `Disk`. */
export interface DiskFile {
  /** Bytes from the beginning to the end of the file. */
  size(): number;
  /** At most `length` bytes from `position`; fewer at the end of the file. */
  read(position: number, length: number): Uint8Array;
  /** Writes the chunks one after the other from `position`. Either all are written or it throws. */
  write(position: number, chunks: readonly Uint8Array[]): void;
  /** Makes the file at least `bytes` long; what is new reads as zeros. Reserves the space where the system can. */
  allocate(bytes: number): void;
  truncate(bytes: number): void;
  /**
   * The only promise of durability: what was written before the call is on disk when `done` runs without a failure. A real
   * disk calls back before it returns, a simulated one later. After a failure nothing may be believed: the process has to stop.
   */
  sync(done: (failure: Error | undefined) => void): void;
  close(): void;
}
