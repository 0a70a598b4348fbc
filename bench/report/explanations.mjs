// What each row of the benchmark means, and what it is held to. Targets are those of the project's design, over etcd 3.7.1; `factor` is what 3.7.1 was
// measured to reach of 3.4.23's figure on one machine (2 cores, 256-byte values, November 2026), so that a ratio over 3.4.23 can be read.

const lower = "Less is better.";

/** By the row's id. */
export const explanations = {
  "put-1": {
    text: "One client writes, waits for the answer, writes again. Nothing can be shared, so this is the disk's sync and the hops between threads.",
    target: 1.2,
    factor: 0.7,
  },
  "put-hot": {
    text: "400 writers in flight over 4 connections, all to one key: what arrives during one sync goes into the next.",
    target: 2.5,
    factor: 0.75,
  },
  "put-random": { text: "The same, each write to one of 100,000 keys that are there, drawn at random." },
  "put-1000": { text: "1,000 writers in flight over 100 connections: fewer requests in each read of a socket." },
  "get-1": {
    text: "One client reads, waits, reads again; each read asks the leader whether it still leads.",
    target: 2,
    factor: 2,
  },
  "get-hot": {
    text: "Linearizable reads of one key; reads that arrive together share one question to the leader.",
    target: 3,
    factor: 4.5,
  },
  "getser-hot": { text: "Serializable reads of one key: the engine and the store's memory.", target: 3, factor: 5 },
  "txn-mixed": {
    text: 'Half are "if the key exists, write and read it, else write it", half read two keys. Random over 100,000 keys.',
  },
  "watch-one": {
    text: "Each write of one key is an event for 1,000 watchers on 10 connections, with 8 writes at a time whose events are not all there. The times are the way of an event from its write's socket to the watcher, at 50 writes a second.",
    target: 1.5,
  },
  "watch-many": {
    text: "As many keys as watchers: each write is an event for one. 400 writes at a time; the times are at 500 writes a second.",
  },
  "lease-keepalive": { text: "1,000 leases, renewed over 10 streams." },
  fill: { text: "Every key is written once, in an order that looks random." },
  "put-filled": { text: "Overwrites at random over all keys: the store is measured, not one hot page.", target: 2 },
  "get-filled": { text: "Reads at random over all keys; most are not in any cache of ours." },
  "getser-filled": { text: "The same without asking the leader." },
  "range-100": { text: "100 keys from a random one on.", target: 2 },
  "range-1000": { text: "1,000 keys from a random one on.", target: 2 },
  "rangeser-1000": { text: "The same, serializable." },
  "range-10000": { text: "10,000 keys: 3 MB in each answer.", target: 2 },
  "list-100": {
    text: "The first 100 of all keys, with the count of all, as lists page by page begin. The count comes from fences, not from a walk.",
    target: 500,
  },
  "tls-put-1": { text: "One writer over TLS 1.3." },
  "tls-put": { text: "400 in flight over TLS." },
  "tls-get": { text: "400 in flight over TLS." },
  "cluster-put": {
    text: "Three members on this one machine, whose processors they share with the load; writers are spread over all three, and followers forward to the leader.",
    target: 2.5,
  },
  restart: {
    text: `From exec to the first answer to a linearizable read. A start reads no keys. ${lower}`,
    target: 0.1,
    isLess: true,
  },
  "start-empty": { text: `The same in an empty directory. ${lower}` },
  "memory-empty": { text: `Mostly Node itself. ${lower}` },
  "memory-loaded": { text: `After all loads above. ${lower}`, target: 0.3, isLess: true },
  "memory-restarted": {
    text: `Just restarted. The peer keeps an index of all keys; we do not. ${lower}`,
    target: 0.3,
    isLess: true,
  },
  "command-put": {
    text: `\`quoratectl put\` beside \`etcdctl put\`, each against its own server, start of the process included. ${lower}`,
  },
  "allocated-put": { text: `Bytes of the main thread's heap and buffers. ${lower}` },
  "allocated-get": { text: `The same for a linearizable get. ${lower}` },
};
