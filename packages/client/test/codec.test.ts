import { describe, expect, it } from "vitest";
import { bytes, json, prefixed, text } from "../src/index.js";

const utf8 = (value: string) => new TextEncoder().encode(value);

describe("text", () => {
  it("refuses bytes that are not UTF-8 instead of replacing them", () => {
    expect(() => text.decode(new Uint8Array([0x61, 0xff]))).toThrow(TypeError);
  });

  it("keeps a byte order mark", () => {
    expect(text.decode(text.encode("\ufeffa"))).toBe("\ufeffa");
  });
});

describe("bytes", () => {
  it("gives copies, so that a kept value does not keep its network buffer", () => {
    const buffer = new Uint8Array([1, 2, 3, 4]);
    const value = bytes.decode(buffer.subarray(1, 3));
    expect([...value]).toEqual([2, 3]);
    expect(value.buffer.byteLength).toBe(2);
  });
});

describe("json", () => {
  it("passes what was parsed through the check", () => {
    const onlyNumbers = json((value) => {
      if (typeof value !== "number") throw new TypeError("not a number");
      return value;
    });
    expect(onlyNumbers.decode(onlyNumbers.encode(7))).toBe(7);
    expect(() => onlyNumbers.decode(utf8('"7"'))).toThrow("not a number");
  });
});

describe("prefixed", () => {
  it("adds the prefix to keys and takes it away", () => {
    const users = prefixed("users/", text);
    expect(users.encode("ann")).toEqual(utf8("users/ann"));
    expect(users.decode(utf8("users/ann"))).toBe("ann");
  });

  it("refuses a key from elsewhere", () => {
    expect(() => prefixed("users/", text).decode(utf8("roles/a"))).toThrow(RangeError);
  });
});
