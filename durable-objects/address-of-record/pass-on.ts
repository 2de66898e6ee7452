import type { HomeName } from "../../lib/transport/identifiers.ts";
import type { Envelope, Receipt } from "../../lib/transport/envelope.ts";

/** Sends an envelope to a home, also this one. */
export type PassOn = (home: HomeName, envelope: Envelope) => Promise<Receipt>;
