type ParseError = Error & { code?: string; rawPacket?: Buffer };

/** The answer to a request that could not be parsed, in the words of Go's server; undefined: none is possible. */
export function answerTo(error: ParseError): string | undefined {
  switch (error.code) {
    case "HPE_HEADER_OVERFLOW":
      return plain("431 Request Header Fields Too Large", "431 Request Header Fields Too Large");
    case "HPE_INVALID_TRANSFER_ENCODING":
      return unknownCoding();
    case "ERR_HTTP_REQUEST_TIMEOUT":
    case "ECONNRESET":
      return undefined;
    default:
      return badRequest(hasBadHeaderName(error.rawPacket) ? "invalid header name" : undefined);
  }
}

/** A 501 that ends the connection. */
export function unknownCoding(): string {
  return plain("501 Not Implemented", "Unsupported transfer encoding");
}

/** A 400 that ends the connection. */
export function badRequest(reason: string | undefined): string {
  return plain("400 Bad Request", reason === undefined ? "400 Bad Request" : `400 Bad Request: ${reason}`);
}

function plain(status: string, body: string): string {
  return `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${body}`;
}

/** A header line that has a colon and before it something that is not a token. */
function hasBadHeaderName(packet: Buffer | undefined): boolean {
  const [head = ""] = packet?.toString("latin1").split("\r\n\r\n", 1) ?? [];
  return head
    .split("\r\n")
    .slice(1)
    .some((line) => line.includes(":") && !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+:/.test(line));
}
