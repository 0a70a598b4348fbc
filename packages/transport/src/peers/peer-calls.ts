import type { Client, ClientUnaryCall, Metadata, ServiceError } from "@grpc/grpc-js";
import { type Clock, type MemberId, PeerError, type PeerFault } from "@quorate/common";
import { Code } from "../grpc/status.js";

const asIs = (bytes: Buffer): Buffer => bytes;

/** Unary calls to one peer that wait for their answer. They end with the link. */
export class PeerCalls {
  private readonly member: MemberId;
  private readonly clock: Clock;
  private readonly open = new Set<ClientUnaryCall>();

  constructor(member: MemberId, clock: Clock) {
    this.member = member;
    this.clock = clock;
  }

  get count(): number {
    return this.open.size;
  }

  /** @throws PeerError "peer/unreachable", "peer/timeout", "peer/refused" (a rejected promise). */
  call(
    client: Client,
    request: Readonly<{ path: string; metadata: Metadata; message: Uint8Array; timeoutMs: number }>,
  ): Promise<Buffer> {
    const { path, metadata, message, timeoutMs } = request;
    const bytes = Buffer.from(message.buffer, message.byteOffset, message.length);
    return new Promise((resolve, reject) => {
      let isLate = false;
      const call = client.makeUnaryRequest(path, asIs, asIs, bytes, metadata, (error, answer) => {
        timer.cancel();
        this.open.delete(call);
        if (error === null && answer !== undefined) resolve(answer);
        else reject(new PeerError(isLate ? { code: "peer/timeout", member: this.member } : this.faultOf(error)));
      });
      this.open.add(call);
      const timer = this.clock.after(timeoutMs, () => {
        isLate = true;
        call.cancel();
      });
    });
  }

  /** Gives up all of them: they reject. */
  cancelAll(): void {
    for (const call of this.open) call.cancel();
  }

  private faultOf(error: ServiceError | null): PeerFault {
    const { member } = this;
    // The code for "the other side answered, and the answer is no": all others are about the way there.
    if (error?.code === Code.Aborted) return { code: "peer/refused", member, reason: error.details };
    return { code: "peer/unreachable", member, reason: error?.details ?? "no answer" };
  }
}
