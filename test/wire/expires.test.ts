import { afterAll, describe, expect, it } from "vitest";
import { addresses, header, parameter, type ReceivedMessage } from "../support/received-message.ts";
import type { Phone } from "../support/phone.ts";
import { startServerUnderTest } from "../support/server-under-test.ts";

const limits = { MINIMUM_EXPIRES: "60", DEFAULT_EXPIRES: "700", MAXIMUM_EXPIRES: "7000" };
const exact = await startServerUnderTest({ settings: { ...limits, EXPIRES_SPREAD: "0" } });
const spread = await startServerUnderTest({ settings: { ...limits, EXPIRES_SPREAD: "0.2" } });
afterAll(async () => {
  await exact.close();
  await spread.close();
});

const granted = (answer: ReceivedMessage): number => Number(parameter(addresses(answer, "contact")[0], "expires"));

async function connected(serverUnderTest = exact): Promise<Phone> {
  return serverUnderTest.connect(await serverUnderTest.newcomer("alice"), "general");
}

describe("the expiration (RFC 3261 §10.3 step 7)", () => {
  it("is the Expires header's", async () => {
    expect(granted(await (await connected()).register({ expires: 120 }))).toBe(120);
  });

  it("is the expires parameter's, if the contact has one", async () => {
    const phone = await connected();
    expect(granted(await phone.register({ expires: 120, contacts: [`${phone.outboundContact};expires=180`] }))).toBe(180);
  });

  it("is the configured default, if the request names none", async () => {
    expect(granted(await (await connected()).register())).toBe(700);
  });

  it("is the maximum, if the request asks for more", async () => {
    expect(granted(await (await connected()).register({ expires: 4_294_967_295 }))).toBe(7000);
  });

  it("below the minimum draws 423 with Min-Expires", async () => {
    const answer = await (await connected()).register({ expires: 59 });
    expect(answer.status).toBe(423);
    expect(header(answer, "min-expires")).toBe("60");
  });

  it("of 0 removes the binding", async () => {
    const phone = await connected();
    await phone.register();
    const answer = await phone.register({ contacts: [`${phone.outboundContact};expires=0`] });
    expect(answer.status).toBe(200);
    expect(addresses(answer, "contact")).toEqual([]);
  });

  it("of 0 for what was never bound is no fault", async () => {
    expect((await (await connected()).register({ expires: 0 })).status).toBe(200);
  });

  it("of each contact is its own", async () => {
    const phone = await connected();
    const answer = await phone.register({ expires: 100, contacts: ["<sip:a@192.0.2.1>;expires=200", "<sip:b@192.0.2.1>"] });
    expect(
      addresses(answer, "contact")
        .map((contact) => parameter(contact, "expires"))
        .sort(),
    ).toEqual(["100", "200"]);
  });

  it("is taken as the default if the Expires header cannot be read (§20.19)", async () => {
    expect(granted(await (await connected()).register({ headers: [["Expires", "soon"]] }))).toBe(700);
  });
});

describe("the spread", () => {
  it("shortens what is granted, by chance and never by more than its share, so that refreshes do not stampede", async () => {
    const phones = await Promise.all(Array.from({ length: 12 }, () => connected(spread)));
    const times = await Promise.all(phones.map(async (phone) => granted(await phone.register({ expires: 1000 }))));
    for (const time of times) {
      expect(time).toBeGreaterThanOrEqual(800);
      expect(time).toBeLessThanOrEqual(1000);
    }
    expect(new Set(times).size).toBeGreaterThan(1);
  });

  it("never goes below the minimum", async () => {
    expect(granted(await (await connected(spread)).register({ expires: 60 }))).toBe(60);
  });
});
