import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { shortSdp } from "../support/compose.ts";
import { earlyInMinute } from "../support/early-in-minute.ts";
import { Phone } from "../support/phone.ts";
import { type ServerUnderTest, startServerUnderTest } from "../support/server-under-test.ts";
import { openSocket } from "../support/sip-socket.ts";

/** What guests may do in a minute, from one address and together, however many connections they have. */
let serverUnderTest: ServerUnderTest;
beforeAll(async () => {
  serverUnderTest = await startServerUnderTest({ guestLimits: { GUEST_CALL_RATE: 4, GUEST_RATE: 7 } });
});
beforeEach(earlyInMinute);
afterAll(() => serverUnderTest.close());

let networks = 0;
/** An address in a network of its own. */
const newAddress = (): string => `198.18.${(networks += 1)}.1`;

async function guestFrom(address: string): Promise<Phone> {
  const socket = await openSocket(`${serverUnderTest.server.wsUrl}/ws`, "visitor", { headers: { "CF-Connecting-IP": address } });
  return new Phone(socket, { account: "visitor", domain: "anonymous.invalid", way: "general" });
}

/** A user whom guests may call. */
async function support(): Promise<string> {
  const account = await serverUnderTest.newcomer("support");
  const settings = await (await serverUnderTest.server.api("GET", "/domains/localhost/settings")).json();
  const { guests } = settings as { readonly guests: readonly string[] | boolean };
  const all = [...(typeof guests === "boolean" ? [] : guests), account];
  expect((await serverUnderTest.server.api("PUT", "/domains/localhost/settings", { guests: all })).status).toBe(200);
  return account;
}

describe("the guests of one address", () => {
  it("call so many times a minute, on any number of connections: then 480, and nothing rings", async () => {
    const account = await support();
    const phone = await serverUnderTest.register(account, "direct");
    const address = newAddress();
    for (let count = 0; count < 4; count += 1) {
      const guest = await guestFrom(address);
      const sent = guest.request("INVITE", phone.aor, { body: shortSdp });
      phone.reply(await phone.next("INVITE"), 486);
      guest.ackRefusal(sent, await guest.finalResponse(sent));
    }
    const guest = await guestFrom(address);
    const answer = await guest.finalResponse(guest.request("INVITE", phone.aor, { body: shortSdp }));
    expect([answer.status, answer.raw.includes("Retry-After: 60"), answer.raw.includes("guests call or write too often")]).toEqual([
      480,
      true,
      true,
    ]);
    const other = await guestFrom(newAddress());
    other.request("INVITE", phone.aor, { body: shortSdp });
    expect((await phone.next("INVITE")).method).toBe("INVITE");
  });

  it("write so many messages a minute", async () => {
    const phone = await serverUnderTest.register(await support(), "direct");
    const address = newAddress();
    const statuses: number[] = [];
    for (let count = 0; count < 8; count += 1) {
      const guest = await guestFrom(address);
      const sent = guest.request("MESSAGE", phone.aor, { body: "hello" });
      if (count < 7) phone.reply(await phone.next("MESSAGE"), 200);
      statuses.push((await guest.finalResponse(sent)).status);
    }
    expect(statuses).toEqual([...Array.from({ length: 7 }, () => 200), 480]);
  });

  it("ask so many times a minute what a phone can do", async () => {
    const phone = await serverUnderTest.register(await support(), "direct");
    const address = newAddress();
    const statuses: number[] = [];
    for (let count = 0; count < 8; count += 1) {
      const guest = await guestFrom(address);
      const sent = guest.request("OPTIONS", phone.aor);
      if (count < 7) phone.reply(await phone.next("OPTIONS"), 200);
      statuses.push((await guest.finalResponse(sent)).status);
    }
    expect(statuses).toEqual([...Array.from({ length: 7 }, () => 200), 480]);
  });

  it("leave room for the messages of others, if the user has no phone", async () => {
    const account = await support();
    const phone = await serverUnderTest.register(account, "direct");
    await phone.register({ expires: 0 });
    const write = async (address: string) => {
      const guest = await guestFrom(address);
      return (await guest.finalResponse(guest.request("MESSAGE", phone.aor, { body: "hello" }))).status;
    };
    const address = newAddress();
    const statuses: number[] = [];
    for (let count = 0; count < 6; count += 1) statuses.push(await write(address));
    expect([statuses, await write(newAddress())]).toEqual([[202, 202, 202, 202, 202, 480], 202]);
  });
});

describe("the guests of one network", () => {
  const addresses = (count: number) => {
    networks += 1;
    return Array.from({ length: count }, (_, index) => `198.18.${networks}.${index + 1}`);
  };

  it("call one user so many times a minute, and leave the rest to others", async () => {
    const phone = await serverUnderTest.register(await support(), "direct");
    const statuses: number[] = [];
    for (const [index, address] of [...addresses(6), newAddress()].entries()) {
      const guest = await guestFrom(address);
      const sent = guest.request("INVITE", phone.aor, { body: shortSdp });
      if (index < 4 || index === 6) phone.reply(await phone.next("INVITE"), 486);
      statuses.push((await guest.finalResponse(sent)).status);
    }
    expect(statuses).toEqual([486, 486, 486, 486, 480, 480, 486]);
  });

  it("have so many messages stored for one user", async () => {
    const account = await support();
    const phone = await serverUnderTest.register(account, "direct");
    await phone.register({ expires: 0 });
    const statuses: number[] = [];
    for (const address of [...addresses(3).flatMap((one) => Array.from({ length: 4 }, () => one)), newAddress()]) {
      const guest = await guestFrom(address);
      statuses.push((await guest.finalResponse(guest.request("MESSAGE", phone.aor, { body: "hello" }))).status);
    }
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 202), 480, 480, 202]);
  });
});

describe("all guests", () => {
  it("call one user so many times a minute", async () => {
    const phone = await serverUnderTest.register(await support(), "direct");
    const statuses: number[] = [];
    for (let count = 0; count < 8; count += 1) {
      const guest = await guestFrom(newAddress());
      const sent = guest.request("INVITE", phone.aor, { body: shortSdp });
      if (count < 7) phone.reply(await phone.next("INVITE"), 486);
      statuses.push((await guest.finalResponse(sent)).status);
    }
    expect(statuses).toEqual([...Array.from({ length: 7 }, () => 486), 480]);
  });
});

describe("a guest who has come in", () => {
  it("may have thirty names looked up at once: then 480", async () => {
    const phone = await serverUnderTest.register(await support(), "direct");
    const guest = await guestFrom(newAddress());
    guest.request("MESSAGE", phone.aor, { body: "hello" });
    phone.reply(await phone.next("MESSAGE"), 200);
    const statuses: number[] = [];
    for (let count = 0; count < 35; count += 1)
      statuses.push((await guest.finalResponse(guest.request("OPTIONS", `sip:nobody${count}@localhost`))).status);
    expect([statuses.filter((status) => status === 480).length, statuses.slice(0, 20).includes(480)]).toEqual([expect.any(Number), false]);
    expect(statuses.slice(-3)).toEqual([480, 480, 480]);
  });

  it("cancels nothing at users whom guests may not call: 481, and no home has it", async () => {
    const phone = await serverUnderTest.register(await support(), "direct");
    const [bob] = await serverUnderTest.phones("direct", "bob");
    const guest = await guestFrom(newAddress());
    guest.request("MESSAGE", phone.aor, { body: "hello" });
    phone.reply(await phone.next("MESSAGE"), 200);
    const answer = await guest.finalResponse(guest.request("CANCEL", bob.aor));
    expect(answer.status).toBe(481);
  });
});
