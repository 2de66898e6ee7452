import { noRules } from "../lib/location/rules.ts";
import type { Opening } from "../lib/transport/opening.ts";
import { type NonSubscriber, nonSubscriberHome } from "../lib/transport/non-subscriber.ts";
import { keyringOf } from "../platform/crypto/keyring.ts";
import { openingHeader, sealOpening } from "../platform/connection/sealed-opening.ts";
import { readConfiguration } from "../platform/configuration.ts";
import { homeName } from "../platform/directory/directory.ts";
import type { Environment } from "../platform/environment.ts";

/** Hands a socket to a home: the Worker is not in its path any more. */
export async function connectDedicated(environment: Environment, opening: Opening): Promise<Response> {
  const home = opening.nonSubscriber === undefined ? homeName(opening.subscriber) : nonSubscriberHome(opening.nonSubscriber);
  const stub = environment.ADDRESS_OF_RECORD.getByName(home);
  const keyring = keyringOf(readConfiguration(environment).sealKeys);
  const headers = { Upgrade: "websocket", [openingHeader]: sealOpening(keyring, home, opening) };
  return stub.fetch("https://home/", { headers });
}

/** Opens a home connection: a WebSocket from the edge proxy to a home. */
export async function connectHome(environment: Environment, opening: Opening): Promise<WebSocket> {
  const { webSocket } = await connectDedicated(environment, opening);
  if (webSocket === null) throw new Error("the home did not accept the home connection");
  webSocket.binaryType = "arraybuffer";
  webSocket.accept();
  return webSocket;
}

/** The opening of a guest or peer for a home: its identity, and a row that no password matches. */
export function openingOf(nonSubscriber: NonSubscriber, arrival: Pick<Opening, "way" | "host" | "address">): Opening {
  const { kind, name, domain } = nonSubscriber;
  const nobody = { md5: "", sha256: "", aliases: [], rules: noRules, generation: 0, version: 0, opened: true };
  return { ...arrival, subscriber: { username: `${kind}-${name}`, domain, ...nobody }, isAuthenticated: true, nonSubscriber };
}
