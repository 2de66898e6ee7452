import type { Account, Credentials } from "../account.ts";
import { type IceFault, readIceServers } from "../ice-servers.ts";
import { type Texts, fill } from "../texts.ts";
import { whoAmI } from "../why-not-connected.ts";

/** Why the phone does not sign in. */
export interface AttributeFault extends IceFault {
  /** It may pass: it is tried again. */
  readonly isPassing: boolean;
  /** A new token is needed. */
  readonly isToken: boolean;
}

/** The account that the attributes of the element name. @param script where the script came from: the default of `server` */
export async function readAttributes(element: Element, script: string, texts: Texts): Promise<Account | AttributeFault> {
  const { connection } = texts;
  const server = originOf(element.getAttribute("server") ?? script);
  if (server === undefined) return fault(connection.noServer);
  const ice = readIceServers(element.getAttribute("ice") ?? "");
  if ("fault" in ice) return fault(ice.fault);
  const [token, password] = [element.getAttribute("token"), element.getAttribute("password")];
  const address = element.getAttribute("address")?.replace(/^sips?:/, "");
  const credentials: Credentials | undefined = token !== null ? { token } : password !== null ? { password } : undefined;
  if (credentials === undefined || (token === null && address === undefined)) return fault(connection.noAccount);
  if (address !== undefined) return { server, address, credentials, way: "direct", ice };
  const me = await whoAmI({ server, address: "", credentials });
  if (typeof me !== "string") return { server, address: me.address, credentials, way: "direct", ice };
  if (me === "token") return { ...fault(connection.tokenRefused), isToken: true };
  if (me === "origin") return fault(fill(connection.originRefused, { origin: location.origin }));
  return { ...fault(fill(connection.notFound, { server })), isPassing: true };
}

function fault(text: string): AttributeFault {
  return { fault: text, isPassing: false, isToken: false };
}

/** The origin of an address of the web; undefined if it is none. */
function originOf(address: string): string | undefined {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^(?:https?|wss?):$/.test(url.protocol)) return undefined;
  return `${url.protocol.replace("ws", "http")}//${url.host}`;
}
