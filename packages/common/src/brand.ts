declare const brand: unique symbol;

/** A value of type `Base` that only code which knows what `Name` means may make. Costs nothing when the program runs. */
export type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };

/** A state of the store. A fresh store is at 1; each successful write transaction adds one. */
export type Revision = Brand<number, "Revision">;
/** A term of Raft: at most one leader each. Starts at 0. */
export type Term = Brand<number, "Term">;
/** The place of an entry in the replicated log. The first entry has 1; 0 means "before all". */
export type LogIndex = Brand<number, "LogIndex">;
/** A member of the cluster. All 64 bits count (unsigned); 0 is never a member. */
export type MemberId = Brand<bigint, "MemberId">;
/** A cluster. All 64 bits count (unsigned). */
export type ClusterId = Brand<bigint, "ClusterId">;
/** A lease. All 64 bits count (signed); 0 means "no lease" on the wire and is never a lease. */
export type LeaseId = Brand<bigint, "LeaseId">;
