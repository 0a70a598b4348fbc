/** The static table of RFC 7541, appendix A: `name|value`, entry 1 first. */
const staticRows = `:authority|
:method|GET
:method|POST
:path|/
:path|/index.html
:scheme|http
:scheme|https
:status|200
:status|204
:status|206
:status|304
:status|400
:status|404
:status|500
accept-charset|
accept-encoding|gzip, deflate
accept-language|
accept-ranges|
accept|
access-control-allow-origin|
age|
allow|
authorization|
cache-control|
content-disposition|
content-encoding|
content-language|
content-length|
content-location|
content-range|
content-type|
cookie|
date|
etag|
expect|
expires|
from|
host|
if-match|
if-modified-since|
if-none-match|
if-range|
if-unmodified-since|
last-modified|
link|
location|
max-forwards|
proxy-authenticate|
proxy-authorization|
range|
referer|
refresh|
retry-after|
server|
set-cookie|
strict-transport-security|
transfer-encoding|
user-agent|
vary|
via|
www-authenticate|`;

/** Name and value of static entry `i + 1`. */
export const staticEntries: readonly (readonly [string, string])[] = staticRows.split("\n").map((row) => {
  const cut = row.indexOf("|");
  return [row.slice(0, cut), row.slice(cut + 1)] as const;
});

/** How many entries the static table has; the dynamic table begins at the next index. */
export const staticLength: number = staticEntries.length;

/** First static index of each name. */
export const staticNameIndex: ReadonlyMap<string, number> = new Map(
  staticEntries.map(([name], index) => [name, index + 1] as const).reverse(),
);
