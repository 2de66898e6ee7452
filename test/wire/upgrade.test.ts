import { afterAll, describe, expect, it } from "vitest";
import { earlyInMinute } from "../support/early-in-minute.ts";
import { openSocket, refusedUpgrade } from "../support/sip-socket.ts";
import { startServer } from "../support/server.ts";

const server = await startServer({ settings: { ALLOWED_ORIGINS: "https://phone.example, https://other.example" } });
afterAll(() => server.stop());

describe.each(["/ws", "/ws/alice@localhost", "/ws/nobody@localhost"])("%s", (path) => {
  const url = `${server.wsUrl}${path}`;

  it("takes an upgrade with the subprotocol sip", async () => {
    const socket = await openSocket(url, "alice");
    socket.close(1000);
    expect((await socket.closed).code).toBe(1000);
  });

  it("chooses sip where it is one of several subprotocols that are offered", async () => {
    const socket = await openSocket(url, "alice", { subprotocol: "xmpp,sip" });
    socket.close(1000);
    expect((await socket.closed).code).toBe(1000);
  });

  it.each(["", "xmpp"])("refuses an upgrade with the subprotocol '%s' and says what is missing (RFC 7118 §5)", async (subprotocol) => {
    const refusal = await refusedUpgrade(url, { subprotocol });
    expect(refusal.status).toBe(400);
    expect(refusal.body).toMatch(/subprotocol.*sip/i);
  });

  it("answers what is no upgrade with 426 and says what to do", async () => {
    const answer = await fetch(`${server.url}${path}`);
    expect(answer.status).toBe(426);
    expect(await answer.text()).toMatch(/WebSocket/);
  });

  it("refuses a page whose origin is not on the list", async () => {
    const refusal = await refusedUpgrade(url, { origin: "https://evil.example" });
    expect(refusal.status).toBe(403);
    expect(refusal.body).toContain("https://evil.example");
  });

  it.each(["https://phone.example", "https://other.example"])("takes a page of %s, which is on the list", async (origin) => {
    const socket = await openSocket(url, "alice", { origin });
    socket.close(1000);
    expect((await socket.closed).code).toBe(1000);
  });
});

describe("paths that lead nowhere", () => {
  it.each(["/constructor", "/ws/", "/ws/alice/bob", "/redirect/", "/wss", "/WS", "/toString/alice"])("%s: 404", async (path) => {
    expect((await fetch(`${server.url}${path}`)).status).toBe(404);
  });

  it("another method than GET is no upgrade: 404", async () => {
    expect((await fetch(`${server.url}/ws`, { method: "POST" })).status).toBe(404);
  });

  it.each(["/ws/%ff@localhost", "/ws/jos%C3%A9@localhost"])("%s is a name like any other", async (path) => {
    const socket = await openSocket(`${server.wsUrl}${path}`, "alice");
    socket.close(1000);
    expect((await socket.closed).code).toBe(1000);
  });
});

describe("where local development is off", () => {
  it("refuses ws: without TLS", async () => {
    const deployed = await startServer({ settings: { LOCAL_DEVELOPMENT: "", ADMIN_TOKEN: "" } });
    const refusal = await refusedUpgrade(`${deployed.wsUrl}/ws`);
    await deployed.stop();
    expect(refusal.status).toBe(403);
    expect(refusal.body).toContain("wss:");
  });
});

describe("where no keys are set", () => {
  it("says that the server is not set up", async () => {
    const bare = await startServer({ settings: { SEAL_KEYS: "" } });
    const refusal = await refusedUpgrade(`${bare.wsUrl}/ws`);
    await bare.stop();
    expect(refusal.status).toBe(503);
    expect(refusal.body).toContain("SEAL_KEYS");
  });
});

describe("the connection rate", () => {
  it("refuses the address that connects too often, and says when to come again", async () => {
    const strict = await startServer({ connectionLimit: 2 });
    await earlyInMinute();
    await openSocket(`${strict.wsUrl}/ws`, "first");
    await openSocket(`${strict.wsUrl}/ws/alice@localhost`, "second");
    const refusal = await refusedUpgrade(`${strict.wsUrl}/ws`);
    await strict.stop();
    expect(refusal.status).toBe(429);
    expect(refusal.headers["retry-after"]).toBeDefined();
  });
});
