import { describe, expect, it } from "vitest";
import { userToUserLength, userToUserValue } from "../../../../lib/proxy/user-to-user.ts";
import { readUserToUser } from "../../../../web/phone/user-to-user.ts";

const hex = (text: string) => Buffer.from(text).toString("hex");

describe("User-to-User (RFC 7433)", () => {
  it.each(["order 4711", "Bestellung für José", "a\r\nX: y", "", "00", '";purpose=x'])("%j arrives as it was written", (text) => {
    const value = userToUserValue(text);
    expect(value).toMatch(/^00[0-9a-f]*;encoding=hex$/);
    expect(readUserToUser([value])).toBe(text);
    expect(userToUserLength(text)).toBe(Buffer.from(text).length);
  });

  it.each([
    [[], undefined],
    [[`${hex("x")};encoding=hex`], "x"],
    [[`04${hex("x")};encoding=hex`], "x"],
    [[`"${hex("x").toUpperCase()}" ; purpose=isdn-uui ; ENCODING = HEX`], "x"],
    [[`abc;encoding=other, ${hex("x")};encoding=hex`], "x"],
    [["plain"], undefined],
    [["plain", `${hex("x")};encoding=hex`], "x"],
    [["abc;encoding=hex"], undefined],
    [["00ff;encoding=hex"], undefined],
    [["zz;encoding=hex"], undefined],
  ] as const)("%j of any phone is %j", (values, text) => {
    expect(readUserToUser(values)).toBe(text);
  });
});
