import type { RequestHead } from "./request-head.js";
import type { Stream, StreamConsumer } from "./stream.js";

/** What answers requests of HTTP/2 connections. */
export interface Application {
  /**
   * A request whose head is whole. `isEnded`: it has no body. The answer may be given at once, through the stream.
   * @returns who gets the rest of it, or undefined when the answer is given and the rest is to be dropped.
   */
  open(stream: Stream, head: RequestHead, isEnded: boolean): StreamConsumer | undefined;
}
