import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Metadata } from "@grpc/grpc-js";
import { GrpcSession } from "../api/grpc-session.js";
import { decodeMessage, encodeMessage } from "../api/message-json.js";
import { productSchema } from "../api/product-schema.js";
import type { Json, JsonObject } from "../json.js";
import { MemberProcess } from "../member/member-process.js";
import type { CtlServer } from "./ctl-case.js";
import { pause } from "./program.js";

/** Where the members of a case are, by their number from 1. */
export type Addresses = { readonly client: readonly number[]; readonly peer: readonly number[] };

const readyWithinMs = 30_000;
const callWithinMs = 3_000;

/** The members of a case, `m1` and on, in directories of the case. */
export class CtlCluster {
  readonly #members: readonly MemberProcess[];

  private constructor(members: readonly MemberProcess[]) {
    this.#members = members;
  }

  /** Starts the members and waits until they serve and the first one leads. @throws Error when that does not happen */
  static async start(
    server: CtlServer,
    addresses: Addresses,
    directories: { readonly data: string; readonly certificates: string },
  ): Promise<CtlCluster> {
    const numbers = Array.from({ length: server.members }, (_, index) => index);
    const initial = numbers.map((index) => `m${index + 1}=http://127.0.0.1:${addresses.peer[index]}`).join(",");
    const tls = server.tls === undefined ? [] : tlsFlags(directories.certificates, server.tls);
    const members: MemberProcess[] = [];
    const cluster = new CtlCluster(members);
    try {
      for (const index of numbers) {
        members.push(
          await MemberProcess.prepare({
            name: `m${index + 1}`,
            scheme: server.tls === undefined ? "http" : "https",
            clientPort: addresses.client[index],
            peerPort: addresses.peer[index],
            flags: [
              `--data-dir=${join(directories.data, `m${index + 1}`)}`,
              `--initial-cluster=${initial}`,
              ...(server.flags ?? []),
              ...tls,
            ],
          }),
        );
      }
      for (const member of members) member.start();
      for (const member of members) await member.waitForPort(member.clientPort, readyWithinMs);
      if (server.tls === undefined) await cluster.#waitUntilServing();
      return cluster;
    } catch (error) {
      await cluster.dispose();
      throw error;
    }
  }

  async stop(number: number, signal: NodeJS.Signals): Promise<void> {
    await this.#members[number - 1]?.stop(signal as "SIGTERM" | "SIGKILL" | "SIGINT");
  }

  /** The last words of the members, for reports. */
  get log(): string {
    return this.#members.map((member) => member.log.slice(-1500)).join("\n");
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.dispose()));
  }

  async #waitUntilServing(): Promise<void> {
    const until = performance.now() + readyWithinMs;
    const sessions = this.#members.map((member) => new GrpcSession(`127.0.0.1:${member.clientPort}`));
    try {
      for (;;) {
        const answers = await Promise.all(sessions.map(askStatus));
        const ids = answers.map((answer) => String((answer?.header as JsonObject | undefined)?.member_id));
        const leader = String(answers[0]?.leader ?? "0");
        if (answers.every((answer) => answer !== undefined && String(answer.leader) === leader) && leader !== "0") {
          if (leader === ids[0]) return;
          const leading = sessions[ids.indexOf(leader)];
          if (leading !== undefined)
            await call(leading, "etcdserverpb.Maintenance/MoveLeader", { targetID: ids[0] ?? "" });
        }
        if (performance.now() > until) throw new Error(`the members do not serve, or m1 does not lead:\n${this.log}`);
        await pause(50);
      }
    } finally {
      for (const session of sessions) session.close();
    }
  }
}

/** A member's status once it serves linearizable reads; undefined before. */
async function askStatus(session: GrpcSession): Promise<JsonObject | undefined> {
  const range = await call(session, "etcdserverpb.KV/Range", { key: "a" });
  return range === undefined ? undefined : call(session, "etcdserverpb.Maintenance/Status", {});
}

async function call(session: GrpcSession, rpc: string, request: Json): Promise<JsonObject | undefined> {
  const schema = productSchema();
  const method = schema.methods.get(rpc);
  if (method === undefined) throw new Error(`no method ${rpc}`);
  const bytes = encodeMessage(schema, method.request, request);
  const answer = await session.unary(rpc, bytes, { metadata: new Metadata(), timeoutMs: callWithinMs });
  return answer.kind === "response" ? decodeMessage(schema, method.response, answer.bytes) : undefined;
}

function tlsFlags(certificates: string, kind: "server" | "mutual"): string[] {
  const flags = [
    `--cert-file=${join(certificates, "server.pem")}`,
    `--key-file=${join(certificates, "server-key.pem")}`,
  ];
  if (kind === "mutual") flags.push("--client-cert-auth=true", `--trusted-ca-file=${join(certificates, "ca.pem")}`);
  return flags;
}

/** The certificates of the HTTP cases under the names that the command lines use. */
export const certificateFiles: ReadonlyMap<string, string> = new Map([
  ["ca.pem", "ca.crt"],
  ["server.pem", "server.crt"],
  ["server-key.pem", "server.key"],
  ["client.pem", "client.crt"],
  ["client-key.pem", "client.key"],
]);

/** Reads one of them. */
export function readCertificate(fixtures: string, name: string): Buffer {
  return readFileSync(join(fixtures, certificateFiles.get(name) ?? name));
}
