import { z } from "@hono/zod-openapi";
import { startIn } from "../../lib/proxy/call-record/call-record.ts";
import { inQuery, pageCursor, pageLimit } from "./query-parameters.ts";
import { userName } from "./schemas.ts";

const time = z.iso.datetime();
const outcome = z.enum(["answered", "missed", "busy", "declined", "cancelled", "redirected", "failed", "answered elsewhere"]);
const endedBy = z.enum(["caller", "callee", "server", "network"]);

const eventSchema = z
  .object({
    at: time.openapi({ description: "When it happened" }),
    event: z
      .enum([
        "invite",
        "routed",
        "sent",
        "waiting",
        "forwarded",
        "woken",
        "flow lost",
        "flow regained",
        "provisional",
        "final",
        "cancel",
        "bye",
      ])
      .openapi({
        description:
          "invite: the call came; routed: the router of the domain has decided, or there was no decision in time; sent, waiting: it went to a phone, or waits for one that is away; forwarded: it went to another address or a trunk; provisional, final: a response, of a branch or (without a branch) to the caller; woken: a push notification was requested for a phone; flow lost, flow regained: the connection of a phone; cancel: of a branch, or (without a branch) of the whole call; bye: the end",
      }),
    branch: z.number().optional().openapi({ description: "The phone or address that it is about, counted from 0 in the order of events" }),
    status: z.number().optional().openapi({ description: "The status code of a response" }),
    to: z.string().optional().openapi({ description: "The URI that the call was sent to" }),
    trunk: z.string().optional().openapi({ description: "The trunk that the call was sent to" }),
    why: z.string().optional().openapi({ description: "Why it was forwarded or cancelled, or why there is no decision of the router" }),
    action: z.string().optional().openapi({ description: "What the router has decided; with a why, the domain's fallback" }),
    milliseconds: z.number().optional().openapi({ description: "How long that took" }),
    by: endedBy.optional().openapi({ description: "Who ended the call or gave it up" }),
  })
  .openapi("CallEvent");

const deviceSchema = z
  .object({
    branch: z.number().openapi({ description: "The branch that led to this phone" }),
    user_agent: z.string().nullable().openapi({ description: "What the phone says of itself" }),
    way: z.enum(["dedicated", "shared"]).openapi({ description: "The kind of its connection: /ws/{address} or /ws" }),
  })
  .openapi("CallDevice");

const verificationSchema = z
  .object({
    result: z.enum(["passed", "failed", "none"]).openapi({
      description:
        "passed: a signature is valid; failed: there is one that is not; none: there is none, or its certificate could not be had",
    }),
    number: z.string().nullable().openapi({ description: "The number of the caller, without a plus; null if there is none" }),
    attestation: z.enum(["A", "B", "C"]).nullable().openapi({ description: "How far the signer vouches for it (RFC 8588 §4)" }),
    origin_id: z.string().nullable().openapi({ description: "The signer's own name for where the call came from (RFC 8588 §5)" }),
    why: z.string().nullable().openapi({ description: "Why it is not verified" }),
  })
  .openapi("Verification");

export const recordSchema = z
  .object({
    id: z.string().openapi({ description: "The id of the record", example: "mjuoj5dt-V1m95De0zwcD" }),
    call_id: z.string().openapi({ description: "The Call-ID" }),
    domain: z.string().openapi({ description: "The domain whose record this is" }),
    from: z.string().openapi({ description: "The value of From" }),
    to: z.string().openapi({ description: "The value of To" }),
    dialled: z.string().openapi({ description: "The Request-URI" }),
    caller: z.string().nullable().openapi({ description: "The user who called; null for guests and other servers" }),
    callee: z.string().nullable().openapi({ description: "The user who was called; null if that is no user of this server" }),
    forwarded: z.array(z.string()).openapi({ description: "The addresses that the call was forwarded to" }),
    trunk: z.string().nullable().openapi({ description: "The trunk that it came from or went to; null if there was none" }),
    verification: verificationSchema
      .nullable()
      .openapi({ description: "Whether the number of the caller was verified; null if that was not tried" }),
    started: time.openapi({ description: "When the INVITE came" }),
    rang: time.nullable().openapi({ description: "When the first phone rang or made progress; null if none did, or if that is lost" }),
    answered: time.nullable().openapi({ description: "When it was answered; null if it was not" }),
    ended: time.openapi({ description: "When it ended" }),
    seconds: z.number().openapi({ description: "From the answer to the end; 0 if it was not answered" }),
    outcome: outcome.openapi({ description: "What became of it" }),
    status: z.number().openapi({ description: "The status code of the final response to the caller" }),
    reason: z.string().openapi({ description: "The reason phrase of that response" }),
    why: z.string().nullable().openapi({ description: "The server's own explanation, if the server ended or refused it" }),
    ended_by: endedBy.openapi({
      description: "Who ended it; network: the connection of a phone was lost and did not come back in time",
    }),
    caller_device: z.string().nullable().openapi({ description: "What the caller's phone says of itself" }),
    devices: z.array(deviceSchema).openapi({ description: "The phones that answered, also with a refusal" }),
    timeline: z.array(eventSchema).openapi({ description: "What happened, in order" }),
  })
  .openapi("CallRecord");

export const recordsSchema = z
  .object({
    calls: z.array(recordSchema).openapi({ description: "The calls, the newest first" }),
    next_cursor: z.string().nullable().openapi({ description: "The cursor of the next page; null if this is the last" }),
  })
  .openapi("CallRecords");

/** What filters the calls of a domain. */
export const filterQuery = z.object({
  user: userName.optional().openapi(inQuery("user", "Only calls of this user, who called or was called")),
  outcome: outcome.optional().openapi(inQuery("outcome", "Only calls with this outcome")),
  number: z.string().min(1).max(128).optional().openapi(inQuery("number", "Only calls with this text in the dialled address or in From")),
  since: time.optional().openapi(inQuery("since", "Only calls that started at this time or later")),
  until: time.optional().openapi(inQuery("until", "Only calls that started at this time or earlier")),
});

export const recordQuery = filterQuery.extend({
  limit: pageLimit("calls"),
  cursor: pageCursor((id) => startIn(id) !== undefined),
});
