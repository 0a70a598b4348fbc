import { describe, expect, it } from "vitest";
import { readFrames } from "../../src/peers/batch.js";
import { MessageQueue } from "../../src/peers/message-queue.js";

const bounds = { queueBytesMax: 1000, queueMessagesMax: 5000, batchBytesMax: 100 };

function push(queue: MessageQueue, text: string): boolean {
  const bytes = Buffer.from(text);
  return queue.push([bytes], bytes.length);
}

/** Lengths of the batches, and all messages in their order. */
function takeAll(queue: MessageQueue): { sizes: number[]; messages: string[] } {
  const sizes: number[] = [];
  const messages: string[] = [];
  for (let batch = queue.takeBatch(); batch !== undefined; batch = queue.takeBatch()) {
    sizes.push(batch.length);
    expect(readFrames(batch, (message) => messages.push(Buffer.from(message).toString()))).toBe(true);
  }
  return { sizes, messages };
}

describe("MessageQueue", () => {
  it("puts messages together up to the bound, in their order, and a longer one alone", () => {
    const queue = new MessageQueue(bounds);
    const messages = ["a".repeat(40), "b".repeat(48), "c", "d".repeat(300), "e", "f"];
    for (const message of messages) expect(push(queue, message)).toBe(true);
    expect([queue.length, queue.bytes]).toEqual([6, 391]);
    expect(takeAll(queue)).toEqual({ sizes: [100, 9, 308, 14], messages });
    expect([queue.length, queue.bytes]).toEqual([0, 0]);
  });

  it("has room for so many bytes and so many messages", () => {
    const queue = new MessageQueue({ ...bounds, queueMessagesMax: 3 });
    expect(push(queue, "a".repeat(1001))).toBe(false);
    expect([push(queue, "a".repeat(600)), push(queue, "b".repeat(401)), push(queue, "b".repeat(400))]).toEqual([
      true,
      false,
      true,
    ]);
    queue.takeBatch();
    expect([push(queue, ""), push(queue, ""), push(queue, "")]).toEqual([true, true, false]);
    queue.clear();
    expect([queue.bytes, queue.length, queue.takeBatch()]).toEqual([0, 0, undefined]);
  });

  it("goes on for long without being empty", () => {
    const queue = new MessageQueue(bounds);
    const taken: string[] = [];
    let pushed = 0;
    for (let turn = 0; turn < 3000; turn++) {
      for (let count = 0; count < 2 && queue.length < 40; count++) push(queue, String(pushed++));
      const batch = turn % 7 === 0 ? queue.takeBatch() : undefined;
      if (batch !== undefined) readFrames(batch, (message) => taken.push(Buffer.from(message).toString()));
    }
    taken.push(...takeAll(queue).messages);
    expect(taken).toEqual(Array.from({ length: pushed }, (_, place) => String(place)));
    expect(pushed).toBeGreaterThan(3000);
  });
});
