/**
 * Runs something once what has arrived together has been taken in: all sockets that are readable now are read first. This is where requests become
 * batches. The simulated one runs it as the next event at the same time.
 */
export type Turn = (run: () => void) => void;

/** The real one. */
export const realTurn: Turn = (run) => {
  setImmediate(run);
};
