/**
 * A moment as etcd's log lines have it: local time with microseconds, then `Z` for UTC or `+hhmm`.
 * @param wallMs milliseconds since the epoch, with fractions where the clock has them.
 */
export function logTime(wallMs: number): string {
  const date = new Date(wallMs);
  const micros = Math.floor((wallMs - Math.floor(wallMs)) * 1000);
  const offset = -date.getTimezoneOffset();
  const local = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, -1);
  return `${local}${pad(micros, 3)}${zone(offset)}`;
}

function zone(offsetMinutes: number): string {
  if (offsetMinutes === 0) return "Z";
  const minutes = Math.abs(offsetMinutes);
  return `${offsetMinutes < 0 ? "-" : "+"}${pad(Math.floor(minutes / 60), 2)}${pad(minutes % 60, 2)}`;
}

function pad(value: number, digits: number): string {
  return String(value).padStart(digits, "0");
}
