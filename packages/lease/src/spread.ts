/**
 * Delays deadlines so that no second holds more than `perSecond` of them. The order by deadline stays, and none becomes earlier.
 * Each is moved to at least one second after the one `perSecond` places before it: the smallest delay that keeps the bound.
 * @param leases sorted here by deadline; those with equal deadlines keep their order.
 * @returns how many were delayed.
 */
export function spreadDeadlines(leases: { deadlineMs: number }[], perSecond: number): number {
  leases.sort((a, b) => a.deadlineMs - b.deadlineMs);
  let delayed = 0;
  for (let i = perSecond; i < leases.length; i++) {
    const lease = leases[i] as { deadlineMs: number };
    const earliest = (leases[i - perSecond] as { deadlineMs: number }).deadlineMs + 1000;
    if (lease.deadlineMs >= earliest) continue;
    lease.deadlineMs = earliest;
    delayed += 1;
  }
  return delayed;
}
