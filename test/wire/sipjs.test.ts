import {
  Inviter,
  Messager,
  RegistererState,
  RequestPendingError,
  SessionState,
  UserAgent,
  type Invitation,
  type Message,
  type Session,
} from "sip.js";
import { afterAll, describe, expect, it } from "vitest";
import { registeredSipJs } from "../support/stock-phones.ts";
import { startServerUnderTest, ways, type ConnectionKind } from "../support/server-under-test.ts";

const serverUnderTest = await startServerUnderTest();
afterAll(() => serverUnderTest.close());
const { wsUrl } = serverUnderTest.server;

interface ReceivedMessage {
  readonly account: string;
  readonly agent: UserAgent;
  readonly registerer: Awaited<ReturnType<typeof registeredSipJs>>["registerer"];
  readonly message: Promise<Message>;
  readonly invitation: Promise<Invitation>;
}

async function registered(name: string, way: ConnectionKind): Promise<ReceivedMessage> {
  const account = await serverUnderTest.newcomer(name);
  if (way === "direct") (await serverUnderTest.register(account, "general")).socket.close();
  const message = Promise.withResolvers<Message>();
  const invitation = Promise.withResolvers<Invitation>();
  const delegate = { onMessage: message.resolve, onInvite: invitation.resolve };
  const phone = await registeredSipJs({ wsUrl, account, way }, delegate);
  return { account, ...phone, message: message.promise, invitation: invitation.promise };
}

const uriOf = (account: string) => UserAgent.makeURI(`sip:${account}@localhost`) ?? expect.fail(`${account} makes no URI`);

function becomes(session: Session, state: SessionState): Promise<void> {
  return new Promise((resolve) => {
    if (session.state === state) return resolve();
    session.stateChange.addListener((changed) => {
      if (changed === state) resolve();
    });
  });
}

async function end(...phones: readonly ReceivedMessage[]): Promise<void> {
  for (const { agent } of phones) await agent.stop();
}

describe.each(ways)("stock SIP.js, on the %s way", (way) => {
  it("registers, and unregisters", async () => {
    const alice = await registered("alice", way);
    const gone = new Promise<void>((resolve) => {
      alice.registerer.stateChange.addListener((state) => {
        if (state === RegistererState.Unregistered) resolve();
      });
    });
    await alice.registerer.unregister();
    await gone;
    expect(alice.registerer.state).toBe(RegistererState.Unregistered);
    await end(alice);
  });

  it("sends a MESSAGE, and hears one", async () => {
    const [alice, bob] = [await registered("alice", way), await registered("bob", way)];
    const accepted = new Promise<number | undefined>((resolve) => {
      const delegate = { onAccept: ({ message }: { message: { statusCode?: number | undefined } }) => resolve(message.statusCode) };
      void new Messager(alice.agent, uriOf(bob.account), "from SIP.js").message({ requestDelegate: delegate });
    });
    const heard = await bob.message;
    await heard.accept();
    expect(heard.request.body).toBe("from SIP.js");
    expect(await accepted).toBe(200);
    await end(alice, bob);
  });

  it("calls, is answered, holds, and is hung up on", async () => {
    const [alice, bob] = [await registered("alice", way), await registered("bob", way)];
    const inviter = new Inviter(alice.agent, uriOf(bob.account));
    await inviter.invite();
    const invitation = await bob.invitation;
    await invitation.accept();
    await becomes(inviter, SessionState.Established);
    await new Promise<void>((resolve, reject) => {
      const requestDelegate = { onAccept: () => resolve(), onReject: () => reject(new Error("the re-INVITE was refused")) };
      inviter.invite({ requestDelegate }).catch((error: unknown) => (error instanceof RequestPendingError ? undefined : reject(error)));
    });
    await invitation.bye();
    await becomes(inviter, SessionState.Terminated);
    expect(invitation.state).toBe(SessionState.Terminated);
    await end(alice, bob);
  });

  it("cancels while it rings, and is rejected", async () => {
    const [alice, bob] = [await registered("alice", way), await registered("bob", way)];
    const cancelled = new Inviter(alice.agent, uriOf(bob.account));
    await cancelled.invite();
    const invitation = await bob.invitation;
    await cancelled.cancel();
    await becomes(cancelled, SessionState.Terminated);
    await becomes(invitation, SessionState.Terminated);
    const rejected = new Promise<number | undefined>((resolve) => {
      const requestDelegate = { onReject: ({ message }: { message: { statusCode?: number | undefined } }) => resolve(message.statusCode) };
      bob.agent.delegate = { onInvite: (second: Invitation) => void second.reject({ statusCode: 486 }) };
      void new Inviter(alice.agent, uriOf(bob.account)).invite({ requestDelegate });
    });
    expect(await rejected).toBe(486);
    await end(alice, bob);
  });
});
