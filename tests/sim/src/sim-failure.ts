/** Something that was promised did not hold. */
export class SimFailure extends Error {
  override readonly name = "SimFailure";
  /** Which promise, in a few words: failures of one rule are the same finding when a run is shortened. */
  readonly rule: string;

  constructor(rule: string, text: string) {
    super(`${rule}: ${text}`);
    this.rule = rule;
  }
}
