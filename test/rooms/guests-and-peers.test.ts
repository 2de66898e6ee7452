import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { expect, it } from "vitest";
import { shortSdp } from "../support/compose.ts";
import type { Phone } from "../support/phone.ts";
import { api, forgetEverything, newcomers, phoneOn, registered, rowsIn } from "./support/homes.ts";

const token = "a-token-that-nobody-guesses";

/** The server of another domain. */
async function partner(): Promise<Phone> {
  const headers = { Upgrade: "websocket", "Sec-WebSocket-Protocol": "sip", Authorization: `Bearer ${token}` };
  const { webSocket } = await exports.default.fetch("http://localhost/ws", { headers });
  if (webSocket === null) throw new Error("the partner was refused");
  webSocket.accept();
  return phoneOn(webSocket, { account: "carol", domain: "partner.example", way: "general" });
}

it("a visitor who comes back just when all of the last visit was forgotten calls as before", async () => {
  const [alice] = await newcomers("alice");
  const desk = await registered({ account: alice, way: "direct" });
  await api("/domains/localhost/peers/partner", { method: "PUT", body: JSON.stringify({ domains: ["partner.example"], token }) });
  const first = await partner();
  const call = first.request("INVITE", `sip:${alice}@localhost`, { body: shortSdp });
  desk.reply(await desk.next("INVITE"), 486);
  expect((await first.finalResponse(call)).status).toBe(486);
  first.socket.close();
  await first.socket.closed;
  await forgetEverything();
  const home = env.ADDRESS_OF_RECORD.getByName("sip:peer-partner@localhost#0");
  expect(await runDurableObjectAlarm(home)).toBe(true);
  const again = await partner();
  again.request("INVITE", `sip:${alice}@localhost`, { body: shortSdp });
  desk.reply(await desk.next("INVITE"), 180);
  await again.next(180);
  // A call that rings when its connection goes has a row.
  again.socket.close();
  const rows = () => runInDurableObject(home, (_home, { storage }) => rowsIn(storage.sql, "orphaned_invites").length);
  await expect.poll(rows).toBe(1);
});
