import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Subscriber } from "../../lib/location/subscriber.ts";
import { type Answer, Directory, directoryOf, homeName } from "../../platform/directory/directory.ts";
import { DirectoryUnavailable } from "../../platform/directory/errors.ts";
import { api, homes, newcomers, provision, registered } from "./support/homes.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** The real database, with a count of what was asked of it. */
function counting(): { readonly database: D1Database; readonly reads: () => number } {
  let reads = 0;
  const database = new Proxy(env.DIRECTORY, {
    get: (target, name) => {
      if (name === "prepare") reads += 1;
      const member: unknown = Reflect.get(target, name);
      return typeof member === "function" ? (member as () => unknown).bind(target) : member;
    },
  });
  return { database, reads: () => reads };
}

/** A database that cannot be reached. */
const broken = {
  prepare: () => {
    const statement = {
      bind: () => statement,
      first: () => Promise.reject(new Error("D1_ERROR")),
      run: () => Promise.reject(new Error("D1_ERROR")),
    };
    return statement;
  },
} as unknown as D1Database;

function subscriberIn(answer: Answer): Subscriber {
  if (answer.kind !== "subscriber") throw new Error(`there is no subscriber: ${answer.kind}`);
  return answer.subscriber;
}

describe("the directory", () => {
  it("tells apart a domain that is not ours, a name that is nobody's, and a subscriber", async () => {
    const [alice] = await newcomers("alice");
    const directory = new Directory(env.DIRECTORY);
    expect(await directory.find(alice, "elsewhere.example")).toEqual({ kind: "foreign" });
    expect(await directory.find("nobody", "localhost")).toMatchObject({ kind: "unknown" });
    const subscriber = subscriberIn(await directory.find(alice, "localhost"));
    expect(subscriber).toMatchObject({ username: alice, domain: "localhost", generation: 1, version: 1, aliases: [], opened: false });
    expect([subscriber.md5, subscriber.sha256].map(({ length }) => length)).toEqual([32, 64]);
  });

  it("leads an alias to its subscriber", async () => {
    await provision("erin");
    await api("/domains/localhost/subscribers/erin", { method: "PUT", body: '{"aliases":["+4930555","info-erin"]}' });
    const directory = new Directory(env.DIRECTORY);
    for (const name of ["erin", "+4930555", "info-erin"]) {
      expect(subscriberIn(await directory.find(name, "localhost")).username).toBe("erin");
    }
  });

  it("keeps the case of names apart", async () => {
    await provision("Case");
    const directory = new Directory(env.DIRECTORY);
    expect((await directory.find("Case", "localhost")).kind).toBe("subscriber");
    expect((await directory.find("case", "localhost")).kind).toBe("unknown");
  });

  it("creates no object", async () => {
    const before = await homes();
    const [alice] = await newcomers("alice");
    const directory = new Directory(env.DIRECTORY);
    await directory.find(alice, "localhost");
    await directory.find("nobody", "localhost");
    expect(await homes()).toEqual(before);
  });

  it("names a home by address and generation", () => {
    expect(homeName({ username: "alice", domain: "example.com", generation: 3 })).toBe("sip:alice@example.com#3");
  });

  it("is one in an isolate for one database", () => {
    expect(directoryOf(env)).toBe(directoryOf(env));
  });
});

describe("what was read is kept", () => {
  it.each([
    ["a subscriber whose home is open", true, 60],
    ["a subscriber whose home is not open", false, 2],
  ])("%s", async (_whose, isOpen, seconds) => {
    const [alice] = await newcomers("alice");
    if (isOpen) await registered({ account: alice, way: "general" });
    const { database, reads } = counting();
    const directory = new Directory(database);
    await directory.find(alice, "localhost");
    vi.setSystemTime(Date.now() + seconds * 1000 - 1);
    await directory.find(alice, "localhost");
    expect(reads()).toBe(1);
    vi.setSystemTime(Date.now() + 2);
    await directory.find(alice, "localhost");
    expect(reads()).toBe(2);
  });

  it("that nobody is there: two seconds", async () => {
    const { database, reads } = counting();
    const directory = new Directory(database);
    await directory.find("soon", "localhost");
    await directory.find("soon", "localhost");
    expect(reads()).toBe(1);
    await provision("soon");
    vi.setSystemTime(Date.now() + 2001);
    expect((await directory.find("soon", "localhost")).kind).toBe("subscriber");
  });

  it("concurrent questions for one name share one read", async () => {
    const [alice] = await newcomers("alice");
    const { database, reads } = counting();
    const directory = new Directory(database);
    const answers = await Promise.all([1, 2, 3].map(() => directory.find(alice, "localhost")));
    expect(new Set(answers).size).toBe(1);
    expect(reads()).toBe(1);
  });

  it("a fresh answer goes past what is kept, and is kept in its place", async () => {
    const [alice] = await newcomers("alice");
    const { database, reads } = counting();
    const directory = new Directory(database);
    await directory.find(alice, "localhost");
    await api(`/domains/localhost/subscribers/${alice}`, { method: "PUT", body: '{"password":"renewed-one"}' });
    expect(subscriberIn(await directory.fresh(alice, "localhost")).version).toBe(2);
    expect(subscriberIn(await directory.find(alice, "localhost")).version).toBe(2);
    expect(reads()).toBe(2);
  });

  it("a change of a domain is forgotten for that domain only", async () => {
    const [alice] = await newcomers("alice");
    const { database, reads } = counting();
    const directory = new Directory(database);
    await directory.find(alice, "localhost");
    directory.forget("other.localhost");
    directory.forget("host");
    await directory.find(alice, "localhost");
    expect(reads()).toBe(1);
    directory.forget("localhost");
    await directory.find(alice, "localhost");
    expect(reads()).toBe(2);
  });

  it("an answer that was on its way when a change came is not kept", async () => {
    const [alice] = await newcomers("alice");
    const gates: (() => void)[] = [];
    const statement = {
      bind: () => statement,
      first: () => new Promise<null>((answer) => gates.push(() => answer(null))),
    };
    const directory = new Directory({ prepare: () => statement } as unknown as D1Database);
    const before = directory.find(alice, "localhost");
    directory.forget("localhost");
    const after = directory.find(alice, "localhost");
    expect(gates).toHaveLength(2);
    for (const open of gates) open();
    expect(await before).toEqual({ kind: "foreign" });
    expect(await after).toEqual({ kind: "foreign" });
    await directory.find(alice, "localhost");
    expect(gates).toHaveLength(2);
  });

  it("at most 10000 names: the one asked longest ago makes room", async () => {
    let reads = 0;
    const statement = { bind: () => statement, first: async () => null };
    const database = {
      prepare: () => {
        reads += 1;
        return statement;
      },
    } as unknown as D1Database;
    const directory = new Directory(database);
    for (let index = 0; index <= 10_000; index += 1) await directory.find(`user${index}`, "localhost");
    expect(reads).toBe(10_001);
    await directory.find("user1", "localhost");
    expect(reads).toBe(10_001);
    await directory.find("user0", "localhost");
    expect(reads).toBe(10_002);
  });
});

describe("a home that is opened", () => {
  it("is known as open at once, by its name and its aliases", async () => {
    await provision("open");
    await api("/domains/localhost/subscribers/open", { method: "PUT", body: '{"aliases":["info-open"]}' });
    const directory = new Directory(env.DIRECTORY);
    await directory.find("info-open", "localhost");
    await directory.markOpened(subscriberIn(await directory.find("open", "localhost")));
    for (const name of ["open", "info-open"]) expect(subscriberIn(await directory.find(name, "localhost")).opened).toBe(true);
    expect(subscriberIn(await new Directory(env.DIRECTORY).find("open", "localhost")).opened).toBe(true);
  });

  it("is marked once", async () => {
    const [alice] = await newcomers("alice");
    const { database, reads } = counting();
    const directory = new Directory(database);
    await directory.markOpened(subscriberIn(await directory.find(alice, "localhost")));
    await directory.markOpened(subscriberIn(await directory.find(alice, "localhost")));
    expect(reads()).toBe(2);
  });
});

describe("when the database cannot be reached", () => {
  it("the directory says so, and never that somebody does not exist", async () => {
    const directory = new Directory(broken);
    await expect(directory.find("alice", "localhost")).rejects.toBeInstanceOf(DirectoryUnavailable);
    await expect(directory.fresh("alice", "localhost")).rejects.toBeInstanceOf(DirectoryUnavailable);
    const opened = subscriberIn(await new Directory(env.DIRECTORY).find((await newcomers("alice"))[0], "localhost"));
    await expect(directory.markOpened(opened)).rejects.toBeInstanceOf(DirectoryUnavailable);
  });

  it("a failure is not kept: the next question is asked again", async () => {
    const [alice] = await newcomers("alice");
    let isBroken = true;
    const database = new Proxy(env.DIRECTORY, {
      get: (target, name) => {
        const member: unknown = Reflect.get(isBroken ? broken : target, name);
        return typeof member === "function" ? (member as () => unknown).bind(target) : member;
      },
    });
    const directory = new Directory(database);
    await expect(directory.find(alice, "localhost")).rejects.toBeInstanceOf(DirectoryUnavailable);
    isBroken = false;
    expect((await directory.find(alice, "localhost")).kind).toBe("subscriber");
  });
});
