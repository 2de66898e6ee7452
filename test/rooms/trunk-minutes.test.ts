import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it } from "vitest";
import { header } from "../support/received-message.ts";
import { api, newcomers, registered } from "./support/homes.ts";

const trunk = "/domains/localhost/trunks/minutes";
const today = () => Math.floor(Date.now() / 86_400_000);

/** The connection to the trunk's server, to which nothing is sent here. */
const connection = () => env.NEXT_HOP.getByName("hop|tcp|1.1.1.1|5060|1.1.1.1|minutes@localhost");
const talked = (milliseconds: number, day = today()) =>
  runInDurableObject(connection(), (_object, { storage }) => storage.put("talked", { day, milliseconds }));

describe("a trunk that has used up its minutes of today", () => {
  afterEach(() => api(trunk, { method: "DELETE" }));

  it("takes no further call, and the caller learns why", async () => {
    const [alice] = await newcomers("alice");
    const settings = { server: "sip:1.1.1.1:5060;transport=tcp", prefixes: ["+777"], maximum_minutes_per_day: 10 };
    await api(trunk, { method: "PUT", body: JSON.stringify(settings) });
    await talked(600_000);
    const phone = await registered({ account: alice, way: "direct" });
    const answer = await phone.finalResponse(phone.request("INVITE", "sip:+7771@localhost"));
    expect([answer.status, header(answer, "warning")]).toEqual([
      480,
      expect.stringContaining("the trunk has used up its minutes of today"),
    ]);
  });
});
