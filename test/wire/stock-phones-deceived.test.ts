import { Messager, UserAgent } from "sip.js";
import type { UA } from "jssip";
import { afterAll, describe, expect, it } from "vitest";
import { ring } from "../support/call.ts";
import { dialogOfCaller } from "../support/dialog.ts";
import { header } from "../support/received-message.ts";
import { jsSipPhone, registeredSipJs } from "../support/stock-phones.ts";
import { startServerUnderTest } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest();
afterAll(() => serverUnderTest.close());
const { wsUrl } = serverUnderTest.server;

describe("stock phones", () => {
  it("SIP.js does not give whom it writes to a hash of its password", async () => {
    const account = await serverUnderTest.newcomer("alice");
    (await serverUnderTest.register(account, "general")).socket.close();
    const { agent } = await registeredSipJs({ wsUrl, account, way: "direct" });
    const mallory = await serverUnderTest.register(await serverUnderTest.newcomer("mallory"), "direct");
    const target = UserAgent.makeURI(mallory.aor);
    if (target === undefined) throw new Error("no URI");
    await new Messager(agent, target, "hello").message();
    const challenge = 'Digest realm="mallory", nonce="chosen", algorithm=MD5';
    mallory.reply(await mallory.next("MESSAGE"), 407, { headers: [["Proxy-Authenticate", challenge]] });
    const again = await mallory.next("MESSAGE", { milliseconds: 1500 }).catch(() => undefined);
    await agent.stop();
    expect(again === undefined ? undefined : header(again, "proxy-authorization")).toBeUndefined();
  });

  it("JsSIP does not show a message as carol's that mallory has sent within a dialog", async () => {
    const account = await serverUnderTest.newcomer("bob");
    const bob = await serverUnderTest.register(account, "direct");
    const mallory = await serverUnderTest.register(await serverUnderTest.newcomer("mallory"), "direct");
    const { ringing, invite } = await ring(mallory, bob);
    mallory.cancel(invite);
    bob.reply(await bob.next("CANCEL"), 200);
    const more = { instance_id: bob.instance.replace("urn:uuid:", "") } as object;
    const ua: UA = jsSipPhone({ wsUrl, account, way: "direct" }, more);
    const shown = new Promise<string>((resolve) => {
      ua.on("newMessage", ({ originator, message }: { originator: string; message: { remote_identity: { uri: object } } }) => {
        if (originator === "remote") resolve(`a message of ${String(message.remote_identity.uri)}`);
      });
    });
    await new Promise((resolve) => {
      ua.once("registered", resolve);
      ua.start();
    });
    const dialog = { ...dialogOfCaller(ringing), target: `sip:${account}@localhost` };
    const lie = mallory.inDialog("MESSAGE", dialog, { from: `<sip:carol@localhost>;tag=${mallory.tag}`, body: "it is me" });
    const result = await Promise.race([shown, mallory.finalResponse(lie).then(({ status }) => status)]);
    ua.stop();
    expect(result).toBe(403);
  });
});
