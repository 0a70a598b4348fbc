import { services as allServices } from "@quorate/proto";
import { Code, type GrpcServices } from "@quorate/transport";

/** Services of etcd's API, by the packages that hold them. */
const ownPackages = ["etcdserverpb.", "v3lockpb.", "v3electionpb."];

/**
 * Registers every method of etcd's API that has no handler yet, so that a caller learns what is missing and not that the service is unknown. To be
 * called last.
 */
export function registerAbsent(services: GrpcServices): void {
  const present = new Set(services.list().map((route) => route.path));
  for (const [name, service] of allServices) {
    if (!ownPackages.some((prefix) => name.startsWith(prefix))) continue;
    for (const method of service.methods) {
      if (present.has(method.path)) continue;
      const status = { code: Code.Unimplemented, message: `unknown method ${method.name} for service ${name}` };
      if (method.clientStreaming) services.bidi(method.path, (call) => call.fail(status));
      else if (method.serverStreaming) services.serverStream(method.path, (call) => call.fail(status));
      else services.unary(method.path, (call) => call.fail(status));
    }
  }
}
