/** What the runner has to know of one field of a message. */
export type FieldShape = {
  readonly number: number;
  /** As in the .proto file: `range_end`, `peerURLs`. */
  readonly name: string;
  /** A scalar type of protobuf ("int64", "bytes") or the full name of a message or enum. */
  readonly type: string;
  readonly kind: "scalar" | "message" | "enum";
  readonly isRepeated: boolean;
  /** A field that can be set to its default value: a member of a oneof, or proto2's optional. */
  readonly hasPresence: boolean;
};

export type MessageShape = { readonly name: string; readonly fields: readonly FieldShape[] };

/** The messages, enums and methods of the API, by full name. */
export type Schema = {
  readonly messages: ReadonlyMap<string, MessageShape>;
  readonly enums: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** "etcdserverpb.KV/Put" to the names of its messages. */
  readonly methods: ReadonlyMap<string, { readonly request: string; readonly response: string }>;
};
