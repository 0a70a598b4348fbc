import { depthMaxDefault, Reader } from "./reader.js";
import { Writer } from "./writer.js";

/** Reads and writes one type of message. */
export interface MessageCodec<T> {
  /** Full name, as "etcdserverpb.PutRequest". */
  readonly name: string;
  /** A message with all fields set: those given, and defaults (0, 0n, "", no bytes, false, [], undefined) for the others. */
  create(fields?: Partial<T>): T;
  /** Encodes into a buffer of its own, of exactly the size. Absent fields, and proto3 fields with their default, take no bytes. */
  encode(message: Partial<T>): Uint8Array;
  /**
   * Encodes into a chunk shared with the results before and after, at a fraction of the cost: no buffer is allocated per message.
   * The bytes are never changed afterwards. For results that are soon copied onwards: one that is kept keeps its chunk of 16 KiB
   * alive, and its `buffer` must not be transferred to another thread. Longer messages get a buffer of their own.
   */
  encodePooled(message: Partial<T>): Uint8Array;
  /** Appends the encoded fields, without length or tag. */
  write(message: Partial<T>, writer: Writer): void;
  /**
   * Decodes `bytes` from `start` (default 0) to `end` (default: all). Bytes fields are views of `bytes`: who keeps one for long
   * keeps all of it, and sees later changes. Unknown fields, and known ones with an unexpected wire type, are passed over.
   * @throws ProtoError "proto/malformed"
   */
  decode(bytes: Uint8Array, start?: number, end?: number): T;
}

/** What the generator makes for each message; everything else is the same for all. */
type Parts<T> = Readonly<{
  name: string;
  make: () => T;
  create: (fields: Partial<T>) => T;
  read: (reader: Reader, message: T) => T;
  write: (message: Partial<T>, writer: Writer) => void;
  depthMax?: number;
}>;

/** A chunk that grew beyond this is not kept for the next message. */
const keptBytesMax = 1_048_576;
const poolChunkBytes = 16_384;

// Taken while in use: an encode inside an encode (a getter of a strange message) makes its own, and a throw loses one.
let idleWriter: Writer | undefined;
let idlePool: Writer | undefined;
let idleReader: Reader | undefined;

/** Puts the generated parts together. */
export function makeCodec<T extends object>(parts: Parts<T>): MessageCodec<T> {
  const { name, make, create, read, write, depthMax = depthMaxDefault } = parts;
  return {
    name,
    create: (fields) => (fields === undefined ? make() : create(fields)),
    write,
    encode(message) {
      const writer = idleWriter ?? new Writer();
      idleWriter = undefined;
      write(message, writer);
      const bytes = writer.finish();
      writer.reset();
      if (writer.capacity <= keptBytesMax) idleWriter = writer;
      return bytes;
    },
    encodePooled(message) {
      const writer = idlePool ?? new Writer({ chunkBytes: poolChunkBytes });
      idlePool = undefined;
      write(message, writer);
      // A chunk that had to become bigger is no longer shared, so that a small result never keeps more than a normal one alive.
      if (writer.capacity !== poolChunkBytes) return writer.finish();
      idlePool = writer;
      return writer.take();
    },
    decode(bytes, start = 0, end = bytes.length) {
      const reader = idleReader ?? new Reader();
      idleReader = undefined;
      reader.start(bytes, start, end, depthMax);
      const message = read(reader, make());
      reader.finish();
      idleReader = reader;
      return message;
    },
  };
}
