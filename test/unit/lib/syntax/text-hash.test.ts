import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { callName, dialogName } from "../../../../lib/proxy/call-name.ts";
import { dialledMark } from "../../../../lib/proxy/route-token.ts";
import { plainHash } from "../../../../lib/syntax/plain-hash.ts";
import { isTextHash, textHash } from "../../../../lib/syntax/text-hash.ts";

/** Texts that somebody has made alike for `plainHash`, each within three seconds. */
const alike = {
  users: [
    "+4930110;GGEMK7e6LeSS_TX82jx7XqNtWVURokd1DGAJNAtlxy5mnMn6bkFIQGQAsHHdpdvk6Q3FOIIB3e7p4mf-7lgMP4F1pqWb4c-nfMRxtb2sMdKPZPNZI-FtDw4L_9lDZJ9KJOibO4KE533moH0WDDF8iB7moVSj4hkz_LaFVzYIeomE4QEJLuro2oWykCfqmVLvVqQHEcNCXb2VMg_ta9bgErGok__nz-YpEpMV@localhost",
    "visitor@shop.example",
  ],
  callIds: [
    "aAGL96YrDLYgAaOFEIXBrkuL8mozs89nTtRAGE5GA4maAsV5TAQ1hLUW3YqiobmFRyagNDr_nY-wcc6x9fp8H3WNIp1Wx1UALtuqxdLiZrSUxkRluACwEYHDapG8-Nmtq06BspB4oStnj9cLzUEEmhLG7b2UZ_cbhtz9LB5-RKwwg8GDvGg7h1Se-HsPcBOWx55XW1YjYbASrtkYnhHOTA1JhuZECXOsSO1aR",
    "a84b4c76e66710",
  ],
  tags: [
    "alice zz4iVVjv2Y7rPntl5INQzPKq3vnACJZ7ZIBAKJioNDRwlAvfmTFOczE_q0LR2L9FyYAp7CqJKKobS7zYbGqVrILRhzrz6Z_cNnU8aRlkOOp2CqqaSmvIqjqOt_GPHXt6Qo_7oxm02T6ebeB_B-8Mrf3CdvRjXLL9XijmIWwZp9DS9zY0dmlnGjnU_UHq_KuCNemriIu2Y8qlMBt3SFit-SBRFh0KdE78z4v-5l",
    "alice bob",
  ],
} as const;

describe("a text hash", () => {
  it("is SHA-256 of the text in UTF-16, and no name of an older build", () => {
    const wanted = createHash("sha256").update(Buffer.from("ice\u00fc\u4e2d", "utf16le").swap16()).digest("base64url").slice(0, 21);
    expect(textHash("ice\u00fc\u4e2d")).toBe(`~${wanted}`);
    expect([textHash("").length, isTextHash(textHash("a")), isTextHash(plainHash("a"))]).toEqual([22, true, false]);
  });

  it.each(Object.entries(alike))("keeps apart what somebody has made alike for the plain hash: %s", (_what, [one, other]) => {
    expect(plainHash(one)).toBe(plainHash(other));
    expect(textHash(one)).not.toBe(textHash(other));
  });

  it("names calls, dialogs and the addresses in a Route", () => {
    const [[one, other], [user, visitor], [stranger, known]] = [alike.callIds, alike.users, alike.tags];
    expect(callName(one)).not.toBe(callName(other));
    expect(dialledMark(`sip:${user}`)).not.toBe(dialledMark(`sip:${visitor}`));
    const nameOf = (tags: string) => dialogName({ callId: "a", fromTag: tags.split(" ")[0], toTag: tags.split(" ")[1] });
    expect(nameOf(stranger)).not.toBe(nameOf(known));
  });
});
