import type { ClientError, WatchBatch, WatchEvent } from "@quorate/client";
import { Event, Event_EventType as EventType, KeyValue, ResponseHeader, WatchResponse } from "@quorate/proto";
import type { Forms } from "../output/forms.js";
import { messageJson } from "../output/json.js";
import { printHeaderFields, printPair, printPairFields } from "../output/pairs.js";

/** A batch of events as the message it came in. */
export function answerOf(batch: WatchBatch<Uint8Array, Uint8Array>): WatchResponse {
  return WatchResponse.create({ header: ResponseHeader.create(batch.header), events: batch.events.map(eventOf) });
}

/** The message that ended a watch. */
export function cancelOf(error: ClientError): WatchResponse {
  return WatchResponse.create({
    header: ResponseHeader.create(error.header ?? {}),
    canceled: true,
    compactRevision: error.compactRevision ?? 0n,
  });
}

function eventOf(event: WatchEvent<Uint8Array, Uint8Array>): Event {
  const prevKv = event.previous === undefined ? undefined : KeyValue.create(event.previous);
  if (event.type === "put") return Event.create({ type: EventType.PUT, kv: KeyValue.create(event.entry), prevKv });
  const kv = KeyValue.create({ key: event.key, modRevision: event.revision });
  return Event.create({ type: EventType.DELETE, kv, prevKv });
}

/** The name of an event's type. */
export function typeName(event: Event): "PUT" | "DELETE" {
  return event.type === EventType.DELETE ? "DELETE" : "PUT";
}

/** The forms of an answer on a watch. */
export function watchForms(answer: WatchResponse): Forms {
  return {
    simple(page, options) {
      for (const event of answer.events) {
        page.line(typeName(event));
        if (event.prevKv !== undefined) printPair(page, event.prevKv, options);
        if (event.kv !== undefined) printPair(page, event.kv, options);
      }
    },
    fields(page, options) {
      printHeaderFields(page, answer.header, options);
      for (const event of answer.events) {
        page.field("Type", typeName(event));
        if (event.prevKv !== undefined) printPairFields(page, event.prevKv, "Prev", options);
        if (event.kv !== undefined) printPairFields(page, event.kv, "", options);
      }
    },
    json: () => ({
      Header: messageJson(ResponseHeader.name, answer.header ?? {}),
      Events: answer.events.length === 0 ? null : answer.events.map((event) => messageJson(Event.name, event)),
      CompactRevision: answer.compactRevision,
      Canceled: answer.canceled,
      Created: answer.created,
      CancelReason: "",
    }),
    protobuf: () => WatchResponse.encode(answer),
  };
}
