import { hasSameServers } from "../../lib/routing/kept-trunk.ts";
import { hopName, readHopName } from "../../lib/routing/hop-name.ts";
import type { Hop } from "../../lib/routing/locate.ts";
import { isPortForCalls } from "../../lib/routing/port.ts";
import type { Trunk } from "../../lib/routing/trunk.ts";
import { isFault } from "../../lib/syntax/fault.ts";
import { readConfiguration } from "../../platform/configuration.ts";
import type { Environment } from "../../platform/environment.ts";
import { resolverOf } from "../../platform/dns/shared-resolver.ts";
import { type Place, type Search, trunkHops } from "./trunk-hops.ts";
import type { Role } from "../../platform/object-rpc.ts";

/** A server that is to register us in the place of another one. */
export interface Redirected {
  /** The name of its object. */
  readonly to: string;
  /** URIs that may be tried after it. */
  readonly rest: readonly string[];
}

/** Contacts of a 3xx that are looked up. */
const maxContacts = 3;

/**
 * Applies a trunk's present settings to its connections: the first server registers us, if the trunk asks for that; all servers are
 * checked, if it asks for that; and what only the earlier settings asked for is ended. A server that is none of the trunk any more is no
 * longer heard as one.
 * @param trunk undefined: it was deleted
 */
export async function keepTrunk(environment: Environment, trunk: Trunk | undefined, before: Trunk | undefined): Promise<void> {
  const hasFormerServers = before !== undefined && (trunk === undefined || !hasSameServers(before, trunk));
  if (!isKept(trunk) && !isKept(before) && !hasFormerServers) return;
  const [places, left] = await Promise.all([inOrder(environment, trunk), inOrder(environment, before)]);
  if (isKept(trunk) && places.length === 0) {
    console.error(JSON.stringify({ note: "a trunk's servers cannot be found", trunk: `${trunk.name}@${trunk.domain}` }));
    await environment.NEXT_HOP.getByName(seekerOf(trunk)).keep("nothing");
  }
  const gone = left.filter(({ name }) => !places.some((place) => place.name === name));
  await Promise.all([
    ...gone.map(({ name }) => environment.NEXT_HOP.getByName(name).keep("nothing", before)),
    ...places.map(({ name }, index) =>
      environment.NEXT_HOP.getByName(name).keep(index === 0 && trunk?.register === true ? "registers" : "stands by", before),
    ),
  ]);
}

/** The object that looks for the servers of a trunk while they cannot be found: it has no connection. */
function seekerOf({ name, domain }: Trunk): string {
  return hopName({ transport: "tcp", host: "", address: "", port: 0 }, `${name}@${domain}`);
}

/**
 * Looks for a trunk's servers again, and starts their monitors if they are found.
 * @returns whether it is to be tried again
 */
export async function locateTrunk(environment: Environment, trunk: Trunk | undefined): Promise<boolean> {
  if (!isKept(trunk)) return false;
  if ((await inOrder(environment, trunk)).length === 0) return true;
  await keepTrunk(environment, trunk, undefined);
  return false;
}

/** The role of the object at `name` for its trunk, if it was not set. */
export async function usualRole(environment: Environment, trunk: Trunk | undefined, name: string): Promise<Role> {
  const [first] = await inOrder(environment, trunk);
  return first?.name === name ? "registers" : "stands by";
}

/** Whether a trunk needs its connections also without calls. */
function isKept(trunk: Trunk | undefined): trunk is Trunk {
  return trunk !== undefined && (trunk.register || trunk.options_interval > 0);
}

/** The server at `name` could not register us: the next one is to. */
export async function passOn(environment: Environment, trunk: Trunk, name: string): Promise<void> {
  const [next] = await after(environment, trunk, name);
  if (next !== undefined) await environment.NEXT_HOP.getByName(next.name).activateStandby(true);
}

/** The server at `name` has registered us: its standbys need not any more. */
export async function release(environment: Environment, trunk: Trunk, name: string): Promise<void> {
  const places = await after(environment, trunk, name);
  await Promise.all(places.map((place) => environment.NEXT_HOP.getByName(place.name).activateStandby(false)));
}

/**
 * The server at `name` has sent our registration elsewhere (RFC 3261 §8.1.3.4): the first server that may be used is to register us.
 * @param contacts URIs, best first
 * @returns the name of the object of that server, and the URIs after it
 */
export async function redirect(
  environment: Environment,
  trunk: Trunk,
  name: string,
  contacts: readonly string[],
): Promise<Redirected | undefined> {
  const search = searchFor(environment);
  const from = readHopName(name);
  // In a private network the administrator alone says which servers there are.
  const own = trunk.network === undefined ? undefined : (await inOrder(environment, trunk)).map((place) => place.name);
  const mayRegister = (other: string) =>
    other !== name && mayRedirect(from, readHopName(other)) && (own === undefined || own.includes(other));
  for (const [index, uri] of contacts.slice(0, maxContacts).entries()) {
    const places = await trunkHops(search, { ...trunk, servers: [{ uri, priority: 1, weight: 1 }] }, [0]);
    const place = isFault(places) ? undefined : places.find((one) => mayRegister(one.name));
    if (place === undefined) continue;
    await environment.NEXT_HOP.getByName(place.name).registerFor(name);
    return { to: place.name, rest: contacts.slice(index + 1, maxContacts) };
  }
  return undefined;
}

/** The other server has chosen the port, and an encrypted connection is not left for another one. */
function mayRedirect(from: Hop, to: Hop): boolean {
  return isPortForCalls(to.port) && (isEncrypted(to) || !isEncrypted(from));
}

function isEncrypted({ transport }: Hop): boolean {
  return transport === "tls" || transport === "wss";
}

async function after(environment: Environment, trunk: Trunk, name: string): Promise<readonly Place[]> {
  const places = await inOrder(environment, trunk);
  // One connection to a server is enough to be registered there.
  return places.slice(places.findIndex((place) => place.name === name) + 1).filter((place) => readHopName(place.name).line === 0);
}

/** All places of a trunk, in an order that is the same each time, so that the next one is not random. */
export async function inOrder(environment: Environment, trunk: Trunk | undefined): Promise<readonly Place[]> {
  if (trunk === undefined) return [];
  const search = searchFor(environment);
  const lines = Array.from({ length: trunk.connections }, (_, line) => line);
  const places = await trunkHops(search, trunk, lines);
  return isFault(places) ? [] : places;
}

/** Why servers of a trunk cannot be found, each by its URI. */
export async function missing(
  environment: Environment,
  trunk: Trunk,
): Promise<readonly { readonly server: string; readonly why: string }[]> {
  const search = searchFor(environment);
  const found = await Promise.all(trunk.servers.map((server) => trunkHops(search, { ...trunk, servers: [server] }, [0])));
  return found.flatMap((one, index) => (isFault(one) ? [{ server: trunk.servers[index]?.uri ?? "", why: one.fault }] : []));
}

function searchFor(environment: Environment): Search {
  const { allowedNetworks } = readConfiguration(environment);
  return { resolver: resolverOf(environment), networks: allowedNetworks, random: () => 0 };
}
