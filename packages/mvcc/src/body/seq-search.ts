/** What a search of the history needs: where it ends, and a look at the first row at or after a place. */
export type HistoryEnd = Readonly<{ lastSeq: number; lastRevision: number }>;
export type RowProbe = (seq: number) => { seq: number; main: number } | undefined;

/** The place of the first change at or after a revision; `lastSeq + 1` when there is none. */
export function seqOfRevision(end: HistoryEnd, revision: number, rowAt: RowProbe): number {
  if (revision > end.lastRevision) return end.lastSeq + 1;
  // Each revision has one change at least, so counting back from the end gives a place at or after the one looked for: the very
  // place while every revision has one change. Then back in growing steps, then by halves.
  let low = 1;
  let high = end.lastSeq + 1;
  let isBracketed = false;
  for (let probe = end.lastSeq - (end.lastRevision - revision), step = 1; low < high; ) {
    const at = Math.min(Math.max(probe, low), high - 1);
    const found = rowAt(at);
    if (found === undefined || found.main >= revision) high = at;
    else {
      low = found.seq + 1;
      isBracketed = true;
    }
    probe = isBracketed ? Math.floor((low + high) / 2) : at - step;
    step *= 2;
  }
  return low;
}
