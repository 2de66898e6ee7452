import type { CallEvent, CallRecord } from "../../web/console/api.ts";

export const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString();
export const step = (seconds: number, event: CallEvent["event"], more: Partial<CallEvent> = {}): CallEvent => ({
  at: at(seconds),
  event,
  ...more,
});

/** The record of a call that was not answered, with these changes. */
export function call(changes: Partial<CallRecord> = {}): CallRecord {
  return {
    ...{
      id: "x",
      domain: "example.com",
      call_id: "c",
      from: '"Alice A" <sip:alice@example.com>;tag=1',
      to: "<sip:bob@example.com>",
      dialled: "sip:bob@example.com",
    },
    ...{
      caller: "alice@example.com",
      callee: "bob@example.com",
      forwarded: [],
      trunk: null,
      verification: null,
      started: at(0),
      rang: at(1),
      answered: null,
    },
    ...{ ended: at(31), seconds: 0, outcome: "missed", status: 408, reason: "Request Timeout", why: null, ended_by: "server" },
    ...{ caller_device: null, devices: [], timeline: [step(0, "invite"), step(0, "sent", { branch: 0, to: "sip:bob@x.invalid" })] },
    ...changes,
  };
}
