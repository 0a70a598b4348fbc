import { execFile } from "node:child_process";
import type { NotifyInit } from "./init-notice.js";
import { reasonOf } from "./system-error.js";

/** An init system that does not take a message within this time will not. */
const timeoutMs = 5000;

/**
 * Sends notices to the socket of an init system by way of `systemd-notify`, since Node opens no Unix datagram sockets. The unit needs `NotifyAccess=all`: the
 * message comes from another process than the member.
 * @returns undefined when the environment names no socket.
 */
export function systemdNotify(environment: NodeJS.ProcessEnv): NotifyInit | undefined {
  const { NOTIFY_SOCKET: socket } = environment;
  if (socket === undefined || socket === "") return undefined;
  return (notice) =>
    new Promise((resolve, reject) => {
      execFile("systemd-notify", [notice], { env: environment, timeout: timeoutMs }, (error, _stdout, stderr) => {
        if (error === null) return resolve();
        const how = typeof error.code === "string" ? reasonOf(error) : `ended with ${error.signal ?? error.code}`;
        reject(new Error(`systemd-notify: ${stderr.trim() === "" ? how : stderr.trim()}`, { cause: error }));
      });
    });
}
