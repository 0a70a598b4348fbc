import type { CallKind, Interceptor, ServerStreamHandler, StreamHandler, UnaryHandler } from "./call.js";
import { Code, type Status } from "./status.js";

/** A method that can be called, and how often it was. */
export interface Route {
  readonly path: string;
  readonly service: string;
  readonly method: string;
  readonly kind: CallKind;
  /** Calls begun. */
  started: number;
  /** Calls ended, by status code; codes above 16 count as Unknown. */
  readonly handled: Float64Array;
  /** Messages, and bytes of messages without their prefixes. */
  received: number;
  receivedBytes: number;
  sent: number;
  sentBytes: number;
}

/** A route with what answers it. */
export interface HandledRoute extends Route {
  readonly handler: UnaryHandler | ServerStreamHandler | StreamHandler;
}

/** The gRPC methods of a listener. Filled before it listens. */
export class GrpcServices {
  private readonly routes = new Map<string, HandledRoute>();
  private readonly services = new Set<string>();
  private readonly interceptors: Interceptor[] = [];

  /** @param path `/package.Service/Method`. @throws TypeError when it is not that, or taken. So for the other three. */
  unary(path: string, handler: UnaryHandler): void {
    this.add(path, "unary", handler);
  }

  serverStream(path: string, handler: ServerStreamHandler): void {
    this.add(path, "server-stream", handler);
  }

  clientStream(path: string, handler: StreamHandler): void {
    this.add(path, "client-stream", handler);
  }

  bidi(path: string, handler: StreamHandler): void {
    this.add(path, "bidi", handler);
  }

  /** Has each call looked at before its handler gets it, in the order in which interceptors were added. */
  intercept(run: Interceptor): void {
    this.interceptors.push(run);
  }

  get hasInterceptors(): boolean {
    return this.interceptors.length > 0;
  }

  /** Every method with its counts. */
  list(): readonly Route[] {
    return [...this.routes.values()];
  }

  /** The first refusal of the interceptors, or undefined. */
  refusalOf(call: Parameters<Interceptor>[0]): Status | undefined {
    for (const run of this.interceptors) {
      const status = run(call);
      if (status !== undefined) return status;
    }
    return undefined;
  }

  /** The method of a path, or why there is none, in grpc-go's words. */
  find(path: string): HandledRoute | Status {
    const known = this.routes.get(path);
    if (known !== undefined) return known;
    const cut = path.lastIndexOf("/");
    if (cut <= 0) return { code: Code.Unimplemented, message: `malformed method name: ${JSON.stringify(path)}` };
    const service = path.slice(1, cut);
    const isKnown = this.services.has(service);
    const message = isKnown
      ? `unknown method ${path.slice(cut + 1)} for service ${service}`
      : `unknown service ${service}`;
    return { code: Code.Unimplemented, message };
  }

  private add(path: string, kind: CallKind, handler: HandledRoute["handler"]): void {
    const [, service, method] = /^\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    if (service === undefined || method === undefined) throw new TypeError(`not a gRPC method: ${path}`);
    if (this.routes.has(path)) throw new TypeError(`already there: ${path}`);
    this.services.add(service);
    this.routes.set(path, {
      path,
      service,
      method,
      kind,
      handler,
      started: 0,
      handled: new Float64Array(17),
      received: 0,
      receivedBytes: 0,
      sent: 0,
      sentBytes: 0,
    });
  }
}
