import JsSIP from "jssip";
import { Registerer, RegistererState, UserAgent, type SessionDescriptionHandlerFactory, type UserAgentOptions } from "sip.js";
import type { ConnectionKind } from "./server-under-test.ts";
import { shortSdp } from "./compose.ts";

/** Which account of which server a stock phone is for. */
export interface StockOptions {
  readonly wsUrl: string;
  readonly account: string;
  readonly way: ConnectionKind;
}

const password = "offhook";

/** A server's address that ends with a hash is taken as it is. */
function urlOf({ wsUrl, account, way }: StockOptions): string {
  if (wsUrl.endsWith("#")) return wsUrl.slice(0, -1);
  return way === "direct" ? `${wsUrl}/ws/${account}@localhost` : `${wsUrl}/ws`;
}

/** JsSIP as an application sets it up; not started. */
export function jsSipPhone(options: StockOptions, more: Partial<ConstructorParameters<typeof JsSIP.UA>[0]> = {}): JsSIP.UA {
  return new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(urlOf(options))],
    uri: `sip:${options.account}@localhost`,
    password,
    register_expires: 600,
    ...more,
  });
}

/** JsSIP, started and registered. */
export async function registeredJsSip(options: StockOptions): Promise<JsSIP.UA> {
  const ua = jsSipPhone(options);
  await new Promise<void>((resolve, reject) => {
    ua.once("registered", () => resolve());
    ua.once("registrationFailed", ({ cause }) => reject(new Error(`JsSIP could not register: ${cause}`)));
    ua.start();
  });
  return ua;
}

/** SIP.js as an application sets it up, its media replaced by a fixed description; not started. */
export function sipJsPhone(options: StockOptions, delegate: UserAgent["delegate"] = {}, more: Partial<UserAgentOptions> = {}): UserAgent {
  const uri = UserAgent.makeURI(`sip:${options.account}@localhost`);
  if (uri === undefined) throw new Error(`${options.account} makes no URI`);
  return new UserAgent({
    uri,
    authorizationUsername: options.account,
    authorizationPassword: password,
    transportOptions: { server: urlOf(options) },
    sessionDescriptionHandlerFactory: withoutMedia,
    delegate: delegate ?? {},
    logBuiltinEnabled: false,
    ...more,
  });
}

/** SIP.js, connected and registered. */
export async function registeredSipJs(
  options: StockOptions,
  delegate?: UserAgent["delegate"],
  more?: Partial<UserAgentOptions>,
): Promise<{ agent: UserAgent; registerer: Registerer }> {
  const agent = sipJsPhone(options, delegate, more);
  await agent.start();
  const registerer = new Registerer(agent, { expires: 600 });
  const registered = new Promise<void>((resolve, reject) => {
    registerer.stateChange.addListener((state) => {
      if (state === RegistererState.Registered) resolve();
      else reject(new Error(`SIP.js could not register: ${state}`));
    });
  });
  await registerer.register();
  await registered;
  return { agent, registerer };
}

/** Node has no WebRTC: what is described is always the same. */
const withoutMedia: SessionDescriptionHandlerFactory = () => ({
  close: () => undefined,
  getDescription: async () => ({ body: shortSdp, contentType: "application/sdp" }),
  hasDescription: () => true,
  rollbackDescription: async () => undefined,
  setDescription: async () => undefined,
  sendDtmf: () => false,
});
