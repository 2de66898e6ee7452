import type { HomeName } from "../../lib/transport/identifiers.ts";
import type { CancelEnvelope, InquiryEnvelope, Receipt, RequestEnvelope, ResponseEnvelope } from "../../lib/transport/envelope.ts";

/** Sends an envelope to a home, also this one. */
export type PassOn = (home: HomeName, envelope: RequestEnvelope | ResponseEnvelope | CancelEnvelope | InquiryEnvelope) => Promise<Receipt>;
