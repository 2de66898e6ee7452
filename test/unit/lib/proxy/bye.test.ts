import { describe, expect, it } from "vitest";
import { endsDialog, isLikeTarget, isStray, isTarget, statusAtEnd, uriMark } from "../../../../lib/proxy/bye.ts";
import { dialledMark } from "../../../../lib/proxy/route-token.ts";

const contact = "sip:far@1.2.3.4:5070;line=aBc;transport=tcp";

describe("a BYE is for a Contact", () => {
  it.each([contact, "SIP:far@1.2.3.4:5070;transport=TCP;line=aBc", "sip:far@1.2.3.4:5070;Line=aBc;Transport=tcp"])(
    "as written: %s",
    (uri) => {
      expect([isTarget(uri, [uriMark(contact)]), isStray(uri, [uriMark(contact)])]).toEqual([true, false]);
    },
  );

  it.each([
    "sips:far@1.2.3.4:5070;line=aBc;transport=tcp",
    "sip:Far@1.2.3.4:5070;line=aBc;transport=tcp",
    "sip:f%61r@1.2.3.4:5070;line=aBc;transport=tcp",
    "sip:far:secret@1.2.3.4:5070;line=aBc;transport=tcp",
    "sip:far@1.2.3.4:5070;line=abc;transport=tcp",
    "sip:far@1.2.3.4:5070;line=aBc;transport=udp",
    "sip:far@1.2.3.4:5070;line=aBc;transport=tcp;transport=udp",
    "sip:far@1.2.3.4:5070;line=aBc",
    "sip:far@1.2.3.4:5071;line=aBc;transport=tcp",
    "sip:far@1.2.3.4:5070;line=aBc;transport=tcp;maddr=1.2.3.5",
    "sip:far@1.2.3.4:5070;line=aBc;transport=tcp?Route=x",
  ])("and strays as: %s", (uri) => {
    expect([isTarget(uri, [uriMark(contact)]), isStray(uri, [uriMark(contact)])]).toEqual([false, true]);
  });

  it("of an older build by its user and host, and if none is known by any", () => {
    expect(isStray("sip:far@1.2.3.4", [dialledMark(contact)])).toBe(false);
    expect([isStray("sip:x@y.invalid", []), isStray("sip:x@y.invalid", [undefined])]).toEqual([false, false]);
  });
});

it.each([
  ["sip:FAR@1.2.3.4:5070;line=ABC;transport=tcp", true],
  ["sip:far:+19005551234@1.2.3.4:5070;line=aBc;transport=tcp", false],
  ["sip:far@1.2.3.4:5070;line=aBc;transport=tcp;transport=+1900", false],
])("with other capitals it is like the Contact, with other digits not: %s", (uri, isLike) => {
  expect(isLikeTarget(uri, [uriMark(contact)])).toBe(isLike);
});

describe("an answer to a BYE ends the dialog at the other end", () => {
  it.each([
    [200, true, true],
    [481, true, true],
    [480, true, true],
    [500, true, false],
    [200, false, true],
    [481, false, false],
    [480, false, false],
  ] as const)("unless this server has refused it: %i, of the end: %s", (status, isOfEnd, isOver) => {
    expect(endsDialog(statusAtEnd(status, isOfEnd))).toBe(isOver);
  });
});
