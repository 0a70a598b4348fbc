/** The settings of a `Lessor`, with etcd's numbers as defaults. */
export type LessorOptions = Readonly<{
  /** Shorter TTLs are raised to this. etcd: ceil(heartbeat x floor(3 x election ticks / 2)). Default 2. */
  minTtlSeconds: number;
  /** Longer TTLs are refused. Default 9_000_000_000. */
  maxTtlSeconds: number;
  /** A checkpoint is proposed when a restart would give a lease back this much time. Default 300. */
  checkpointIntervalSeconds: number;
  /** Checkpoints in one entry, and in one look. The others wait for the next look. Default 1000. */
  checkpointsPerLookMax: number;
  /** Time between two looks. Default 500. */
  lookIntervalMs: number;
  /** Leases named as expired in one look. The others wait for the next look. Default 500. */
  expiredPerLookMax: number;
  /** A proposal that had no effect by then is made again. Default 7000: 5 s and two election timeouts. */
  retryMs: number;
  /** With this many leases or more a new primary spreads their deadlines. Default 1000. */
  spreadFrom: number;
  /** Deadlines per second after spreading. Default 750. */
  spreadPerSecond: number;
}>;

/** etcd's numbers. */
export const defaultLessorOptions: LessorOptions = {
  minTtlSeconds: 2,
  maxTtlSeconds: 9_000_000_000,
  checkpointIntervalSeconds: 300,
  checkpointsPerLookMax: 1000,
  lookIntervalMs: 500,
  expiredPerLookMax: 500,
  retryMs: 7000,
  spreadFrom: 1000,
  spreadPerSecond: 750,
};
