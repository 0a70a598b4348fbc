/** Status codes of gRPC. */
export const StatusCode = {
  OK: 0,
  Canceled: 1,
  Unknown: 2,
  InvalidArgument: 3,
  DeadlineExceeded: 4,
  NotFound: 5,
  AlreadyExists: 6,
  PermissionDenied: 7,
  ResourceExhausted: 8,
  FailedPrecondition: 9,
  Aborted: 10,
  OutOfRange: 11,
  Unimplemented: 12,
  Internal: 13,
  Unavailable: 14,
  DataLoss: 15,
  Unauthenticated: 16,
} as const;
export type StatusCode = (typeof StatusCode)[keyof typeof StatusCode];

const names = new Map<number, string>(Object.entries(StatusCode).map(([name, code]) => [code, name]));

/** "Unavailable" for 14; the number for one without a name. */
export function statusName(code: number): string {
  return names.get(code) ?? String(code);
}

const byName = new Map<string, number>(Object.entries(StatusCode));

/** 14 for "Unavailable"; `undefined` for what is no name of a status. */
export function statusByName(name: string): number | undefined {
  return byName.get(name);
}
