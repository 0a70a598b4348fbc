import type { EnumDescriptor, MessageDescriptor, ServiceDescriptor } from "./descriptor.js";
import { codecList, enumList, messageList, serviceList } from "./gen/descriptors.js";
import type { MessageCodec } from "./message-codec.js";

const byName = <T extends { readonly name: string }>(list: readonly T[]): ReadonlyMap<string, T> =>
  new Map(list.map((one) => [one.name, one]));

/** Every message, by full name. */
export const messages: ReadonlyMap<string, MessageDescriptor> = byName(messageList);
/** Every enum, by full name ("etcdserverpb.RangeRequest.SortOrder"). */
export const enums: ReadonlyMap<string, EnumDescriptor> = byName(enumList);
/** Every service, by full name. */
export const services: ReadonlyMap<string, ServiceDescriptor> = byName(serviceList);

const codecs: ReadonlyMap<string, MessageCodec<unknown>> = byName(codecList);

/**
 * The codec of a message that is known by its full name only, as a route or a method gives it.
 * @throws RangeError when there is no such message: the name comes from our own tables, so this is a mistake in the program.
 */
export function codecOf(fullName: string): MessageCodec<unknown> {
  const codec = codecs.get(fullName);
  if (codec === undefined) throw new RangeError(`no message is called ${fullName}`);
  return codec;
}
