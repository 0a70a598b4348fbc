import type { Logger } from "@quorate/common";

/** What an init system is told. @see sd_notify(3). */
export type InitNotice = "READY=1" | "STOPPING=1";

/** Tells the init system. Rejects, with what went wrong in words, when that cannot be done. */
export type NotifyInit = (notice: InitNotice) => Promise<void>;

/**
 * Tells the init system that clients are served. A unit of type `notify` is started when it hears that; without it the init system gives up after its own
 * time. A failure is logged and nothing else: the member serves.
 * @param notify absent when nobody asked to be told.
 * @param life `isOver` says that the member has ended meanwhile, and its log with it.
 */
export async function noticeReady(
  notify: NotifyInit | undefined,
  life: { logger: Logger; isOver(): boolean },
): Promise<void> {
  life.logger.info("notifying init daemon");
  const error = await failureOf(notify?.("READY=1"));
  if (life.isOver()) return;
  if (error === undefined) life.logger.info("successfully notified init daemon");
  else life.logger.error("failed to notify systemd for readiness", { error });
}

/** Tells the init system that the member has begun to stop. */
export async function noticeStopping(notify: NotifyInit | undefined, logger: Logger): Promise<void> {
  const error = await failureOf(notify?.("STOPPING=1"));
  if (error !== undefined) logger.warn("failed to notify systemd of the stop", { error });
}

/** @returns what went wrong, in words. */
async function failureOf(notice: Promise<void> | undefined): Promise<string | undefined> {
  try {
    await notice;
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
