import { HealthCheckRequest, HealthCheckResponse, HealthCheckResponse_ServingStatus as Serving } from "@quorate/proto";
import { Code, type GrpcServices, type StreamCall } from "@quorate/transport";
import { decodeRequest } from "./front.js";

const service = "/grpc.health.v1.Health/";

/**
 * The standard health service. Only the service with the empty name is known, and it serves as long as the port is open.
 * @see gRPC Health Checking Protocol.
 */
export class HealthService {
  readonly #watchers = new Set<StreamCall>();
  #isServing = true;

  register(services: GrpcServices): void {
    services.unary(`${service}Check`, (call, message) => {
      const request = decodeRequest(call, HealthCheckRequest, message);
      if (request === undefined) return;
      if (request.service !== "") return call.fail({ code: Code.NotFound, message: "unknown service" });
      call.reply(this.#answer());
    });
    services.serverStream(`${service}Watch`, (call, message) => {
      const request = decodeRequest(call, HealthCheckRequest, message);
      if (request === undefined) return;
      if (request.service !== "") {
        call.send(HealthCheckResponse.encode({ status: Serving.SERVICE_UNKNOWN }));
        return;
      }
      this.#watchers.add(call);
      call.onCancel(() => this.#watchers.delete(call));
      call.send(this.#answer());
    });
  }

  /** Says from now on that calls are not taken. */
  stop(): void {
    if (!this.#isServing) return;
    this.#isServing = false;
    for (const call of this.#watchers) {
      if (call.isOver) continue;
      call.send(this.#answer());
      call.end();
    }
  }

  #answer(): Uint8Array {
    return HealthCheckResponse.encode({ status: this.#isServing ? Serving.SERVING : Serving.NOT_SERVING });
  }
}
