import { between, ClientError, prefix, type Watch, type WatchBatch } from "@quorate/client";
import type { Event, WatchResponse } from "@quorate/proto";
import { CommandFailure } from "../command-failure.js";
import { errorText, failureOf, isLoginFailure, statusText } from "../connection/go-error.js";
import type { Session } from "../connection/session.js";
import { ExitCode } from "../exit-codes.js";
import { argumentBytes } from "../frame/argument-bytes.js";
import type { CommandContext } from "../frame/command.js";
import { quoteBytes, quoteText } from "../frame/go-values.js";
import { answerOf, cancelOf, typeName, watchForms } from "./watch-forms.js";
import type { WatchValues, WatchWords, watchFlags } from "./watch-words.js";

/** Begins to watch. Members without a leader are left for others. */
export function openWatch(session: Session, words: WatchWords, flags: WatchValues): Watch<Uint8Array, Uint8Array> {
  const key = argumentBytes(words.key);
  const end = words.rangeEnd === undefined ? undefined : argumentBytes(words.rangeEnd);
  const target = flags.prefix ? prefix(key) : end === undefined ? key : between(key, end);
  return session.client.bytes.watch(target, {
    startRevision: flags.rev > 0n ? flags.rev : undefined,
    previous: flags["prev-kv"],
    progress: flags["progress-notify"] || flags.interactive,
    hasLeader: true,
  });
}

/**
 * Prints what comes. Returns when a member has ended the watch, which is said on standard error.
 * @param isProgressWanted whether a batch without events is printed, too.
 * @throws CommandFailure when a program failed, or the login.
 */
export async function followWatch(
  opened: Watch<Uint8Array, Uint8Array>,
  words: WatchWords,
  context: CommandContext<typeof watchFlags>,
  isProgressWanted: () => boolean,
): Promise<void> {
  try {
    for await (const batch of opened.batches()) {
      if (batch.events.length > 0 || isProgressWanted()) await show(batch, words, context);
    }
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    if (error.code === "client/closed") return; // the program is ending
    if (isLoginFailure(error)) throw failureOf(error);
    context.warn(`watch was canceled (${reasonOf(error)})`);
    context.print(watchForms(cancelOf(error)));
  }
}

function reasonOf(error: ClientError): string {
  if (error.code === "etcd/compacted") return "etcdserver: mvcc: required revision has been compacted";
  return error.header === undefined ? errorText(error) : statusText(error);
}

async function show(
  batch: WatchBatch<Uint8Array, Uint8Array>,
  words: WatchWords,
  context: CommandContext<typeof watchFlags>,
): Promise<void> {
  const answer = answerOf(batch);
  if (answer.events.length === 0) context.printText((page) => page.line(`progress notify: ${batch.header.revision}`));
  context.print(watchForms(answer));
  if (words.program.length === 0) return;
  for (const event of answer.events) await runFor(event, answer, words, context);
}

async function runFor(
  event: Event,
  answer: WatchResponse,
  words: WatchWords,
  context: CommandContext<typeof watchFlags>,
): Promise<void> {
  const env = {
    ETCD_WATCH_REVISION: `${answer.header?.revision ?? 0n}`,
    ETCD_WATCH_EVENT_TYPE: quoteText(typeName(event)),
    ETCD_WATCH_KEY: quoteBytes(event.kv?.key ?? new Uint8Array()),
    ETCD_WATCH_VALUE: quoteBytes(event.kv?.value ?? new Uint8Array()),
  };
  const end = await context.world.runProgram(words.program, { env, stdin: "none" });
  if (end.kind === "exited" && end.code === 0) return;
  const why =
    end.kind === "exited"
      ? `exit status ${end.code}`
      : end.kind === "signalled"
        ? `signal: ${end.signal}`
        : end.message;
  context.warn(`command [${words.program.map(quoteText).join(" ")}] error (${why})`);
  throw new CommandFailure(ExitCode.Error, why, { shown: "silent" });
}
