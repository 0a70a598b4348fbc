import { rpcs } from "@quorate/client";
import { type Compare, type RequestOp, type ResponseOp, TxnResponse } from "@quorate/proto";
import { CommandFailure } from "../command-failure.js";
import { ExitCode } from "../exit-codes.js";
import { type CommandContext, defineCommand } from "../frame/command.js";
import type { FlagTable } from "../frame/flag-table.js";
import type { Forms } from "../output/forms.js";
import { messageJson } from "../output/json.js";
import { printHeaderFields } from "../output/pairs.js";
import { ComparisonError, parseComparison } from "./comparison.js";
import { delForms } from "./del.js";
import { getForms } from "./get.js";
import { putForms } from "./put.js";
import { parseOperation } from "./txn-operation.js";

const txnFlags = {
  interactive: { kind: "bool", short: "i", help: "say what is to be typed next" },
} as const satisfies FlagTable;

export const txn = defineCommand({
  name: "txn",
  usage: "[options]",
  short: "Txn processes all the requests in one transaction",
  long: `Txn reads a transaction from standard input and carries it out as one step.

It has three parts, each ended by an empty line: conditions; requests to carry out if all of them hold; requests to carry out
if one of them does not. Targets of conditions are ver, c, m, val and lease (or version, create, mod, value), operators =, !=, < and >:

mod("key1") > "0"

put key1 "overwrote-key1"

put key1 "created-key1"
put key2 "some extra key"
`,
  group: "Key-value commands",
  flags: txnFlags,
  async run(context) {
    if (context.args.length > 0) {
      throw new CommandFailure(ExitCode.BadArguments, "txn command does not accept argument");
    }
    const { timeoutMs } = context;
    const session = await context.connect();
    const lines = context.world.stdin.lines()[Symbol.asyncIterator]();
    const prompt = (text: string) => {
      if (context.flags.interactive) context.printText((page) => page.line(text));
    };
    prompt("compares:");
    const compare = await readPart(lines, readCompare);
    prompt("success requests (get, put, del):");
    const success = await readPart(lines, (line) => readOperation(line, context));
    prompt("failure requests (get, put, del):");
    const failure = await readPart(lines, (line) => readOperation(line, context));
    return txnForms(await session.call(rpcs.txn, { compare, success, failure }, { timeoutMs }));
  },
});

/** The lines up to an empty one. @throws CommandFailure, exit code 3, when the input ends before. */
async function readPart<T>(
  lines: AsyncIterator<string>,
  read: (line: string) => T | Promise<T>,
): Promise<Awaited<T>[]> {
  const part: Awaited<T>[] = [];
  for (;;) {
    const { value, done } = await lines.next();
    if (done === true || !value.endsWith("\n")) throw new CommandFailure(ExitCode.InvalidInput, "EOF");
    const line = value.trim();
    if (line === "") return part;
    part.push(await read(line));
  }
}

function readCompare(line: string): Compare {
  try {
    return parseComparison(line);
  } catch (error) {
    if (!(error instanceof ComparisonError)) throw error;
    throw new CommandFailure(ExitCode.InvalidInput, error.message);
  }
}

function readOperation(line: string, context: CommandContext<typeof txnFlags>): Promise<RequestOp> {
  return parseOperation(line, context.world);
}

function txnForms(answer: TxnResponse): Forms {
  const forms = answer.responses.map(operationForms);
  return {
    simple(page, options) {
      page.line(answer.succeeded ? "SUCCESS" : "FAILURE");
      for (const one of forms) {
        page.line();
        one?.simple(page, options);
      }
    },
    fields(page, options) {
      printHeaderFields(page, answer.header, options);
      page.field("Succeeded", answer.succeeded);
      for (const one of forms) one?.fields?.(page, options);
    },
    json: () => messageJson(TxnResponse.name, answer),
    protobuf: () => TxnResponse.encode(answer),
  };
}

function operationForms({ response }: ResponseOp): Forms | undefined {
  switch (response?.kind) {
    case "responsePut":
      return putForms(response.value);
    case "responseRange":
      return getForms(response.value, { valuesOnly: false });
    case "responseDeleteRange":
      return delForms(response.value);
    case "responseTxn":
      return txnForms(response.value);
    case undefined:
      return undefined;
  }
}
