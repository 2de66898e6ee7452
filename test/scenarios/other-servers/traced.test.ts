import { expect, it } from "vitest";
import { traced } from "../../../durable-objects/shared/traced.ts";
import { returnToPhone } from "../../../lib/transport/return-address.ts";
import type { RequestEnvelope } from "../../../lib/transport/envelope.ts";
import type { Directory } from "../../../platform/directory/directory.ts";
import { compose } from "../../support/compose.ts";

const now = Date.UTC(2026, 0, 1);
const directory = { traceOf: (domain: string) => (domain === "a.example" ? { until: now + 1000 } : undefined) } as unknown as Directory;

const envelope = (method: string): RequestEnvelope => ({
  ...{ kind: "request", text: compose(`${method} sip:bob@a.example SIP/2.0`, ["Call-ID: x", `CSeq: 1 ${method}`]) },
  ...{ answerTo: returnToPhone("sip:alice@b.example#1", "flow", "phone"), transaction: "t", identity: "", recordRoute: undefined },
  to: { kind: "address", instance: undefined, registration: undefined },
});

it("a call goes to a home with a mark if the sender knows that the domain of that home keeps its messages", () => {
  const marks = (home: string, method: string, at: number) => (traced(directory, home, envelope(method), at) as RequestEnvelope).isTraced;
  expect(marks("sip:bob@a.example#1", "INVITE", now)).toBe(true);
  expect(marks("sip:bob@b.example#1", "INVITE", now)).toBeUndefined();
  expect(marks("sip:bob@a.example#1", "MESSAGE", now)).toBeUndefined();
  expect(marks("sip:bob@a.example#1", "INVITE", now + 1000)).toBeUndefined();
});
