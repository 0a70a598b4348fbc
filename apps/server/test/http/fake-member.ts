import { silentLogger } from "@quorate/common";
import { createMetrics } from "@quorate/telemetry";
import type { HttpHandler, HttpInfo } from "@quorate/transport";
import type { HttpPorts } from "../../src/http/http-handler.js";
import type { MemberView } from "../../src/http/member-view.js";

/** A member that is what a test says it is. */
export class FakeMember implements MemberView {
  active = new Set<string>();
  leads = true;
  learns = false;
  readError: string | undefined = undefined;
  clusterVersion: string | undefined = "3.7.0";

  versions() {
    return { server: "3.7.1", cluster: this.clusterVersion, storage: this.clusterVersion };
  }
  serializableRead = () => Promise.resolve(this.readError);
  linearizableRead = () => Promise.resolve(this.leads ? this.readError : "etcdserver: request timed out");
  alarms = () => [...this.active];
  hasLeader = () => this.leads;
  isLearner = () => this.learns;
  raftStatus = () => ({ id: 255n, term: 2 });
}

/** The world of the pages, with nothing real in it. */
export function buildPorts(member: MemberView): HttpPorts {
  return {
    member,
    metrics: createMetrics({ grpcMethods: [] }),
    logger: silentLogger,
    process: {
      argv: ["etcd", "--name=m1"],
      memory: () => ({ heapUsed: 1 }),
      fileDescriptorLimit: () => 1024,
      activeResources: () => ["Timeout", "Timeout", "TCPSocketWrap"],
    },
    wait: () => Promise.resolve(),
  };
}

/** A request as the listener hands it over. */
export type Asked = {
  method?: string;
  target: string;
  headers?: Record<string, string>;
  host?: string | undefined;
  isTls?: boolean;
};

/** Sends a request to a handler, with the target as a socket would have brought it. */
export async function ask(handler: HttpHandler, asked: Asked): Promise<Response> {
  const { method = "GET", target, headers = {}, host = "127.0.0.1:2379", isTls = false } = asked;
  const url = `http://127.0.0.1:2379${target.startsWith("/") ? target : "/"}`;
  const known = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"].includes(method) ? method : "UNKNOWN";
  const request = new Request(url, { method: known, headers });
  const info = {
    remoteAddress: "127.0.0.1:1",
    isTls,
    protocol: "HTTP/1.1",
    method,
    target,
    host,
  } as unknown as HttpInfo;
  return handler(request, info);
}
