import { ClientError, createClient, type Credentials } from "@quorate/client";
import { CommandFailure } from "../command-failure.js";
import { ExitCode } from "../exit-codes.js";
import type { GlobalValues } from "../frame/global-flags.js";
import type { World } from "../world.js";
import type { TransportOptions } from "./transport-options.js";
import { findEndpoints } from "./endpoints.js";
import { noTimeout, Session } from "./session.js";
import { readTlsSettings } from "./tls-settings.js";

const requestBytesMaxDefault = 2 * 1024 * 1024;
const answerBytesMaxDefault = 2 ** 31 - 1;
/** Members take more frequent questions for an attack. */
const pingEveryMsMin = 10_000;

/**
 * Makes the client that the global flags describe. Nothing is connected yet.
 * @throws CommandFailure for settings that cannot be used.
 */
export async function openSession(
  globals: GlobalValues,
  isGiven: (flag: string) => boolean,
  world: World,
): Promise<Session> {
  const endpoints = await findEndpoints(globals, world);
  const dialMs = globals["dial-timeout"];
  const tls = readTlsSettings(globals, isGiven, world);
  const options: TransportOptions = {
    tls,
    connectTimeoutMs: dialMs > 0 ? dialMs : 20_000,
    pings: {
      everyMs: Math.max(pingEveryMsMin, globals["keepalive-time"]),
      timeoutMs: Math.max(1, globals["keepalive-timeout"]),
    },
    requestBytesMax: bytesMax(globals["max-request-bytes"], requestBytesMaxDefault),
    answerBytesMax: bytesMax(globals["max-recv-bytes"], answerBytesMaxDefault),
  };
  const credentials = await readCredentials(globals, world);
  try {
    const client = createClient(
      { endpoints, credentials, attemptsMax: Number.MAX_SAFE_INTEGER, timeoutMs: noTimeout },
      { clock: world.clock, transport: (endpoint) => world.openTransport(endpoint, options) },
    );
    return new Session(client, endpoints, world);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    throw new CommandFailure(ExitCode.BadArguments, error.message, { cause: error });
  }
}

function bytesMax(flag: bigint, ifZero: number): number {
  return flag <= 0n ? ifZero : Number(flag);
}

/** A token wins over a name. A name without a password, and one with an empty password, is no login. */
async function readCredentials(globals: GlobalValues, world: World): Promise<Credentials | undefined> {
  const { user, password } = globals;
  const token = globals["auth-jwt-token"];
  if (token !== "") return { token };
  if (user === "") return undefined;
  if (password !== "") return { user, password };
  const colon = user.indexOf(":");
  const login =
    colon < 0
      ? { user, password: await world.ask("Password: ", { isSecret: true }) }
      : { user: user.slice(0, colon), password: user.slice(colon + 1) };
  return login.user === "" || login.password === "" ? undefined : login;
}
