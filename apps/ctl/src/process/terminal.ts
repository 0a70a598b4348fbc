import { ReadStream } from "node:tty";
import type { InputStream } from "../world.js";

/**
 * Asks a question on standard output. A secret is read without echo; without a terminal, the next line of standard input is the
 * answer.
 */
export async function ask(
  question: string,
  options: { readonly isSecret: boolean },
  stdin: InputStream,
): Promise<string> {
  process.stdout.write(question);
  const isHidden = options.isSecret && stdin.isTerminal && process.stdin instanceof ReadStream;
  if (isHidden) return readHidden(process.stdin as ReadStream);
  const answer = await readLine();
  if (options.isSecret) process.stdout.write("\n"); // as after an answer that nobody saw
  return answer;
}

let waiting = "";

/** One line, byte by byte as far as needed: what comes after it belongs to the next question. */
function readLine(): Promise<string> {
  return new Promise((resolve) => {
    const finish = (line: string) => {
      process.stdin.off("data", onData);
      process.stdin.off("end", onEnd);
      process.stdin.pause();
      resolve(line.replace(/\r$/, ""));
    };
    const look = () => {
      const at = waiting.indexOf("\n");
      if (at < 0) return false;
      const line = waiting.slice(0, at);
      waiting = waiting.slice(at + 1);
      finish(line);
      return true;
    };
    const onData = (chunk: Buffer) => {
      waiting += chunk.toString("utf8");
      look();
    };
    const onEnd = () => {
      const line = waiting;
      waiting = "";
      finish(line);
    };
    if (look()) return;
    if (process.stdin.readableEnded) return onEnd();
    process.stdin.on("data", onData);
    process.stdin.on("end", onEnd);
    process.stdin.resume();
  });
}

function readHidden(input: ReadStream): Promise<string> {
  return new Promise((resolve) => {
    let line = "";
    const finish = () => {
      input.off("data", onData);
      input.setRawMode(false);
      input.pause();
      process.stdout.write("\n");
      resolve(line);
    };
    const onData = (chunk: Buffer) => {
      for (const letter of chunk.toString("utf8")) {
        if (letter === "\r" || letter === "\n" || letter === "\u0004") return finish();
        if (letter === "\u0003") {
          input.setRawMode(false);
          process.kill(process.pid, "SIGINT");
          return;
        }
        if (letter === "\u007f" || letter === "\b") line = line.slice(0, -1);
        else line += letter;
      }
    };
    input.setRawMode(true);
    input.on("data", onData);
    input.resume();
  });
}
