import { describe, expect, it } from "vitest";
import { type OfferedService, registerForPush } from "../../../../lib/push/registration.ts";
import { pushParameters } from "../../../../lib/push/push-device.ts";
import { readContacts } from "../../../../lib/syntax/contact.ts";
import { isFault } from "../../../../lib/syntax/fault.ts";
import { receive } from "../support/sip.ts";
import { after, decide, now, settings } from "../registrar/support.ts";

const webpush: OfferedService = { provider: "webpush", vapidKey: "BKey" };
const fcm: OfferedService = { provider: "fcm" };
const address = "sip:alice@a.invalid";

/** What becomes of a Contact. */
function registered(contact: string, offered: readonly OfferedService[] | "unknown" = [webpush, fcm]) {
  const { request } = receive("REGISTER sip:example.com", `Contact: ${contact}`);
  const contacts = readContacts(request);
  if (isFault(contacts) || contacts === "*") throw new Error("not a Contact");
  const [only] = contacts;
  if (only === undefined) throw new Error("no Contact");
  return registerForPush(only, offered === "unknown" ? undefined : offered);
}

const url = "https://push.example/s/a-b_c?d=e&f";
const escapedUrl = "https://push.example/s/a-b_c%3Fd%3De%26f";
const keys = `x-pn-p256dh=${"p".repeat(87)};x-pn-auth=${"a".repeat(22)}`;

describe("RFC 8599 §8.7: the parameters for push notifications", () => {
  it.each([
    ["in the URI", `<${address};pn-provider=webpush;pn-prid=${escapedUrl}>`],
    ["in the URI, names in upper case", `<${address};PN-Provider=WebPush;PN-PRID=${escapedUrl}>`],
    ["after it", `<${address}>;pn-provider=webpush;pn-prid="${url}"`],
    ["in both", `<${address};pn-provider=webpush>;pn-prid="${url}"`],
  ])("are read %s, and taken off the Contact", (_where, contact) => {
    const read = registered(contact);
    expect(read).toMatchObject({ device: { provider: "webpush", prid: url }, contact: { uri: address, parameters: [] } });
    expect(read).toMatchObject({ featureCaps: 'Feature-Caps: *;+sip.pns="webpush";+sip.vapid="BKey"\r\n' });
  });

  it("other parameters stay where they are", () => {
    const read = registered(`<${address};transport=ws;pn-provider=fcm;pn-param=my-project;pn-prid=tok:en?subject=x>;q=0.5;+sip.pnsreg`);
    expect(read).toMatchObject({
      device: { provider: "fcm", prid: "tok:en", param: "my-project", refreshesItself: true },
      contact: {
        uri: `${address};transport=ws?subject=x`,
        parameters: [
          ["q", "0.5"],
          ["+sip.pnsreg", undefined],
        ],
      },
      featureCaps: 'Feature-Caps: *;+sip.pns="fcm";+sip.pnsreg="121"\r\n',
    });
  });

  it("the keys of a subscription are read with them", () => {
    expect(registered(`<${address}>;pn-provider=webpush;pn-prid="${url}";${keys}`)).toMatchObject({
      device: { p256dh: "p".repeat(87), auth: "a".repeat(22) },
    });
  });

  it.each([
    ["a URL that is none", `<${address};pn-provider=webpush;pn-prid=abc>`],
    ...[
      "https://",
      "https://:1/x",
      "https://a b/",
      "https://[x]/",
      "https://user@a.example/",
      "https://a.example:99999999/",
      "https://%/x",
    ].map((written) => [`a URL that no push service has: ${written}`, `<${address}>;pn-provider=webpush;pn-prid="${written}"`]),
    ["a pn-param with webpush (§12)", `<${address};pn-provider=webpush;pn-param=x;pn-prid=${escapedUrl}>`],
    ["a URL that is too long", `<${address}>;pn-provider=webpush;pn-prid="https://a.example/${"x".repeat(1300)}"`],
    ["fcm without a project", `<${address};pn-provider=fcm;pn-prid=token>`],
    ["one key without the other", `<${address}>;pn-provider=webpush;pn-prid="${url}";x-pn-auth=${"a".repeat(22)}`],
    ["a key that is none", `<${address}>;pn-provider=webpush;pn-prid="${url}";x-pn-p256dh=p;x-pn-auth=a`],
  ])("%s is refused with 400", (_what, contact) => {
    expect(registered(contact)).toMatchObject({ status: 400 });
  });

  it("apns has its own form, and is not used here", () => {
    const contact = `<${address};pn-provider=apns;pn-param=TEAM.com.example.app.voip;pn-prid=00fc13adff78512e>`;
    expect(registered(contact, [{ provider: "apns" }])).toMatchObject({ device: { param: "TEAM.com.example.app.voip" } });
    expect(registered(contact)).toMatchObject({ device: undefined, featureCaps: "" });
  });
});

describe("RFC 8599 §5.6.1.2: a question about the services", () => {
  it.each([
    ["all", "pn-provider", 'Feature-Caps: *;+sip.pns="webpush";+sip.vapid="BKey"\r\nFeature-Caps: *;+sip.pns="fcm"\r\n'],
    ["one", "pn-provider=fcm", 'Feature-Caps: *;+sip.pns="fcm"\r\n'],
  ])("about %s is answered in Feature-Caps, and asks for no notifications", (_which, parameter, featureCaps) => {
    expect(registered(`<${address};${parameter}>`)).toMatchObject({ device: undefined, featureCaps });
  });

  it("about one that is not used draws 555; so does one about all where none is", () => {
    expect(registered(`<${address};pn-provider=acme>`)).toMatchObject({ status: 555 });
    expect(registered(`<${address};pn-provider>`, [])).toMatchObject({ status: 555 });
  });

  it("a phone that names its device at a service that is not used is registered without it (§5.6.1.1)", () => {
    const contact = `${address};pn-provider=acme;pn-prid=x`;
    expect(registered(`<${contact}>`)).toMatchObject({ device: undefined, featureCaps: "", contact: { uri: contact } });
  });

  it("while the services are not known a device is kept, and nothing is said", () => {
    expect(registered(`<${address};pn-provider=fcm;pn-param=p;pn-prid=x>`, "unknown")).toMatchObject({ device: { provider: "fcm" } });
    expect(registered(`<${address};pn-provider=fcm;pn-param=p;pn-prid=x>`, "unknown")).toMatchObject({ featureCaps: "" });
  });
});

describe("the registration of a device", () => {
  const pushServices = [webpush, fcm];
  const contact = (name: string, token = "one") => `Contact: <sip:alice@${name}.invalid;pn-provider=fcm;pn-param=p;pn-prid=${token}>`;

  it("lasts longer than that of others, and its row has the exact end", () => {
    const [binding] = after([contact("a"), "Expires: 9999999"], { pushServices });
    expect(binding).toMatchObject({ expires: now + settings.pushExpires * 1000, lease: now + settings.pushExpires * 1000 });
    expect(binding).toMatchObject({ push: { provider: "fcm", prid: "one", param: "p" }, contact: "sip:alice@a.invalid" });
  });

  it("RFC 8599 §5.6.1.1: is refused with 423 if it would end before it can be renewed", () => {
    const refusal = { status: 423, headers: [["Min-Expires", "300"]] };
    expect(decide([contact("a"), "Expires: 299"], { pushServices })).toMatchObject(refusal);
    expect(after([contact("a"), "Expires: 300"], { pushServices })).toHaveLength(1);
  });

  it("replaces that of the same device whose phone is away, and no other", () => {
    const bindings = after([contact("a"), "CSeq: 1 REGISTER"], { pushServices });
    const [key = ""] = bindings.map((binding) => binding.key);
    const again = (more: object) => after([contact("b"), "CSeq: 1 REGISTER", "Call-ID: other"], { pushServices, bindings, ...more });
    expect(again({ away: new Set([key]) }).map((binding) => binding.contact)).toEqual(["sip:alice@b.invalid"]);
    expect(again({})).toHaveLength(2);
    const other = after([contact("b", "two"), "Call-ID: other"], { pushServices, bindings, away: new Set([key]) });
    expect(other).toHaveLength(2);
  });

  it("RFC 8599 §4.1.2: ends with Expires: 0 and without pn-prid", () => {
    const bindings = after([contact("a"), "CSeq: 1 REGISTER"], { pushServices });
    expect(after(["Contact: <sip:alice@a.invalid;pn-provider=fcm>;expires=0", "CSeq: 2 REGISTER"], { pushServices, bindings })).toEqual([]);
  });

  it("is answered with its parameters as they were sent", () => {
    expect(pushParameters({ provider: "webpush", prid: url })).toBe(`;pn-provider=webpush;pn-prid=${escapedUrl.replace("%26", "&")}`);
    expect(pushParameters({ provider: "fcm", prid: "t", param: "p" })).toBe(";pn-provider=fcm;pn-param=p;pn-prid=t");
  });
});
