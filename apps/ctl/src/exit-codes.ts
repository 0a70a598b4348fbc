/** Exit codes, as etcdctl's. A program that was started passes its own on. */
export const ExitCode = {
  Success: 0,
  /** A refused request, an unknown command or flag, an unhealthy endpoint. */
  Error: 1,
  /** No connection, or none with these credentials. */
  BadConnection: 2,
  /** What was read from standard input is not what a command wants. */
  InvalidInput: 3,
  /** A value or output format that the command does not have. */
  BadFeature: 4,
  /** A watch or a snapshot that was cut off. */
  Interrupted: 5,
  /** A wrong number or shape of arguments. */
  BadArguments: 128,
  /** As the shell shows a program that was ended by SIGPIPE: nobody reads the output any more. */
  BrokenPipe: 141,
} as const;
