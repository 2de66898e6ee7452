import type { CancelEnvelope, InquiryEnvelope, Receipt, RequestEnvelope, ResponseEnvelope } from "../../lib/transport/envelope.ts";

/** Brings an envelope to a home, this one included. */
export type PassOn = (home: string, envelope: RequestEnvelope | ResponseEnvelope | CancelEnvelope | InquiryEnvelope) => Promise<Receipt>;
