import { schema } from "../../../durable-objects/address-of-record/schema.ts";
import { evictAllDurableObjects, listDurableObjectIds, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import type { AddressOfRecord } from "../../../durable-objects/address-of-record.ts";
import type { Costs } from "../../../platform/object-rpc.ts";
import { createReceivedMessages } from "../../support/received-messages.ts";
import { hashesOf } from "../../support/provision.ts";
import { Phone, type PhoneOptions } from "../../support/phone.ts";

/** Makes the domain localhost and subscribers of it, through the API. */
export async function provision(...usernames: readonly string[]): Promise<void> {
  await api("/domains/localhost", { method: "PUT" });
  for (const username of usernames) {
    const answer = await api(`/domains/localhost/subscribers/${username}`, {
      method: "PUT",
      body: JSON.stringify({ ha1: hashesOf(username, "localhost", "offhook") }),
    });
    if (!answer.ok) throw new Error(`${username} was not provisioned: ${await answer.text()}`);
  }
}

let count = 0;

/** Subscribers that nobody has used before, so that tests in one storage do not meet. */
export async function newcomers<Names extends readonly string[]>(...names: Names): Promise<{ readonly [Index in keyof Names]: string }> {
  count += 1;
  const unique = names.map((name) => `${name}${count}`);
  await provision(...unique);
  return unique as unknown as { readonly [Index in keyof Names]: string };
}

export function api(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = { Authorization: "Bearer test-admin-token", "Content-Type": "application/json" };
  return exports.default.fetch(`http://localhost/api/v1${path}`, { headers, ...init });
}

/** A raw phone on the edge proxy of the Worker under test. */
export async function connect(options: PhoneOptions): Promise<Phone> {
  const path = options.way === "direct" ? `/ws/${options.account}@localhost` : "/ws";
  const { webSocket, status } = await exports.default.fetch(`http://localhost${path}`, {
    headers: { Upgrade: "websocket", "Sec-WebSocket-Protocol": "sip" },
  });
  if (webSocket === null) throw new Error(`the upgrade was refused with ${status}`);
  webSocket.binaryType = "arraybuffer";
  webSocket.accept();
  return phoneOn(webSocket, options);
}

/** A raw phone on a socket that is open. */
export function phoneOn(webSocket: WebSocket, options: PhoneOptions): Phone {
  const ears = createReceivedMessages(options.account);
  webSocket.addEventListener("message", ({ data }) => {
    if (typeof data === "string") ears.hear(data, false);
    else ears.hear(Buffer.from(data as ArrayBuffer).toString("latin1"), true);
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    webSocket.addEventListener("close", ({ code, reason }) => {
      resolve({ code, reason });
      webSocket.close(code === 1006 ? 1000 : code);
    });
  });
  const socket = {
    send: (frame: string | Uint8Array) =>
      webSocket.send(typeof frame === "string" && options.isBinary === true ? Buffer.from(frame) : frame),
    ...ears,
    close: (code?: number, reason?: string) => webSocket.close(code, reason),
    cut: () => webSocket.close(),
    closed,
  };
  return new Phone(socket, options);
}

export async function registered(options: PhoneOptions): Promise<Phone> {
  const phone = await connect(options);
  const answer = await phone.register();
  if (answer.status !== 200) throw new Error(`${options.account} could not register: ${answer.raw}`);
  return phone;
}

export function homeOf(username: string, generation = 1): DurableObjectStub<AddressOfRecord> {
  return env.ADDRESS_OF_RECORD.getByName(`sip:${username}@localhost#${generation}`);
}

/** The objects that exist. */
export async function homes(): Promise<string[]> {
  return (await listDurableObjectIds(env.ADDRESS_OF_RECORD)).map(String);
}

/** Every home loses its memory; sockets hibernate. */
export function forgetEverything(): Promise<void> {
  return evictAllDurableObjects({ webSockets: "hibernate" });
}

/** What a home has spent since it was last asked: rows written, alarms set, calls to other homes. */
export async function spentBy(username: string): Promise<Costs> {
  return homeOf(username).costs();
}

/** The home's alarm goes off now. */
export function ringAlarm(username: string): Promise<boolean> {
  return runDurableObjectAlarm(homeOf(username));
}

/** How many rows a table of a home has. */
export function rowsOf(username: string, table: string): Promise<number> {
  return runInDurableObject(homeOf(username), (_home, { storage }) => rowsIn(storage.sql, table).length);
}

/** What the rows of a table of a home hold. */
export function valuesOf(username: string, table: string): Promise<string[]> {
  return runInDurableObject(homeOf(username), (_home, { storage }) =>
    storage.sql
      .exec<{ value: string }>(`SELECT value FROM ${table}`)
      .toArray()
      .map(({ value }) => value),
  );
}

/** All rows of a table, perhaps with a condition; none if the home has not made it. */
export function rowsIn(sql: SqlStorage, table: string): unknown[] {
  const [name = ""] = table.split(" ", 1);
  if (!Object.hasOwn(schema.tables, name)) throw new Error(`homes have no table ${name}`);
  const isThere = sql.exec("SELECT 1 FROM sqlite_master WHERE name = ?", name).toArray().length > 0;
  return isThere ? sql.exec(`SELECT * FROM ${table}`).toArray() : [];
}

/** The tables that a home has made, by name. */
export async function tablesOf(username: string): Promise<string[]> {
  return runInDurableObject(homeOf(username), (_home, { storage }) => {
    const tables = storage.sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").toArray();
    return tables.map(({ name }) => name).filter((name) => !/^(?:_|sqlite_)/.test(name));
  });
}
