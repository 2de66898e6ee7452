import { expect, it } from "vitest";
import { NewServers } from "../../../platform/new-servers.ts";

const start = 1e12;
const contacted = (servers: NewServers, user: string, from: number, count: number, now: number) =>
  Array.from({ length: count }, (_, index) => servers.mayContact(user, `hop|${from + index}`, now)).filter(Boolean).length;

it("a user may contact 30 other servers at once, and one in five seconds after that; other users are not concerned", () => {
  const servers = new NewServers();
  expect(contacted(servers, "alice", 0, 100, start)).toBe(30);
  expect(contacted(servers, "bob", 0, 10, start)).toBe(10);
  expect(contacted(servers, "alice", 1000, 100, start + 60_000)).toBe(12);
});

it("a server that is in use costs nothing; one that was not used for two minutes is new again", () => {
  const servers = new NewServers();
  expect(contacted(servers, "alice", 0, 30, start)).toBe(30);
  for (let second = 0; second < 4; second += 1) expect(contacted(servers, "alice", 0, 30, start + second)).toBe(30);
  expect(contacted(servers, "alice", 100, 1, start + 1)).toBe(0);
  expect(contacted(servers, "alice", 0, 30, start + 130_000)).toBe(26);
});

it("what it remembers is bounded", () => {
  const servers = new NewServers();
  for (let user = 0; user < 1500; user += 1) expect(contacted(servers, `u${user}`, 0, 30, start)).toBe(30);
  // The oldest have been forgotten, the youngest have not.
  expect([contacted(servers, "u0", 100, 30, start), contacted(servers, "u1499", 100, 30, start)]).toEqual([30, 0]);
});
