/**
 * A text that names one kind of thing. A name of another kind does not pass for it, so that a phone is never looked up where a home is
 * expected; a plain text does, because names come from rows and messages as such.
 */
type Name<Kind extends string> = string & { readonly names?: Kind };

/** The name of a Durable Object: the home of an address of record (`sip:alice@example.com#1`), or the connection to another server. */
export type HomeName = Name<"home">;
/** A connection of a home (RFC 5626: a flow): eight random characters. */
export type FlowId = Name<"flow">;
/** A phone at its home: eight characters, made from its instance or Contact. */
export type PhoneId = Name<"phone">;
/** A transaction at the home that received its request, and the response context at the next: 16 characters. */
export type TransactionId = Name<"transaction">;
/** A branch of a response context: its transaction, a dot, and its index. */
export type BranchId = Name<"branch">;
