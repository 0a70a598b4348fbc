import { openForReading } from "./schema.js";

/** Where from and where to a database is copied. `to` is an empty file. */
export type CopyRequest = Readonly<{ from: string; to: string }>;

/** Writes one consistent state of the database into another file, compact. Writers go on meanwhile. */
export function copyDatabase(request: CopyRequest): void {
  const db = openForReading({ path: request.from, cacheBytes: 8 * 1024 * 1024 });
  try {
    db.prepare("VACUUM INTO ?").run(request.to);
  } finally {
    db.close();
  }
}
