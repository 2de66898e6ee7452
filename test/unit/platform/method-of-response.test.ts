import { expect, it } from "vitest";
import { methodOfResponse } from "../../../platform/trace-recorder.ts";

const response = (cseq: string, body = "") => `SIP/2.0 200 OK\r\nVia: x\r\n${cseq}\r\nContent-Length: 0\r\n\r\n${body}`;

it.each([
  ["as phones write it", response("CSeq: 1 INVITE"), "INVITE"],
  ["in other letters", response("cseq: 1 INVITE"), "INVITE"],
  ["with white space behind it", response("CSeq: 2 BYE "), "BYE"],
  ["in two lines", response("CSeq: 2\r\n BYE"), "BYE"],
  ["with more white space", response("CSeq :\t1 \t INVITE"), "INVITE"],
  ["and not from the body", response("cseq: 1 INVITE", "\r\nCSeq: 1 BYE\r\n"), "INVITE"],
  ["without a number", response("CSeq: BYE"), ""],
  ["of a response that has none", response("Subject: CSeq: 1 BYE"), ""],
])("the method is read %s", (_how, text, method) => {
  expect(methodOfResponse(text)).toBe(method);
});
