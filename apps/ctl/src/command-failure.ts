/** Ends a command: the text goes to standard error after "Error: ", the code is the program's. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
  readonly exitCode: number;
  /** "text": `Error: <message>`. "usage": the command's usage after it. "silent": nothing, all has been said. */
  readonly shown: "text" | "usage" | "silent";

  constructor(
    exitCode: number,
    message: string,
    options: { shown?: "text" | "usage" | "silent"; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = exitCode;
    this.shown = options.shown ?? "text";
  }
}
