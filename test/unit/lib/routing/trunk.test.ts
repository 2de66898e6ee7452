import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { randomFor } from "../../../../lib/routing/seeded-random.ts";
import { chooseTrunk, readTrunk, uriAtTrunk } from "../../../../lib/routing/trunk.ts";

const stored = { domain: "a.example", name: "t", register: false, inbound: true, prefixes: ["+"], trusted: false };

describe("a trunk as it is stored", () => {
  it("with the one server that trunks used to have is a trunk with that server", () => {
    const trunk = readTrunk(JSON.stringify({ ...stored, server: "sip:pbx.example" }));
    expect([trunk.servers, trunk.format, trunk.maximum_calls]).toEqual([[{ uri: "sip:pbx.example", priority: 1, weight: 1 }], "e164", 0]);
  });

  it("with several servers has them, and a Request-URI is that of the server it is sent to", () => {
    const servers = [
      { uri: "sip:one.example", priority: 1, weight: 1 },
      { uri: "sips:two.example:5099;transport=tcp", priority: 2, weight: 1 },
    ];
    const trunk = readTrunk(JSON.stringify({ ...stored, servers, format: "plain" }));
    expect(uriAtTrunk(trunk, "+4930")).toBe("sip:4930@one.example");
    expect(uriAtTrunk(trunk, "x$'$&$$1")).toBe("sip:x$'$&$$1@one.example");
    expect(uriAtTrunk(trunk, "+4930", servers[1]?.uri)).toBe("sips:4930@two.example:5099;transport=tcp");
  });
});

it("a prefix is compared with what is dialled, without escapes", () => {
  const trunk = readTrunk(JSON.stringify({ ...stored, prefixes: ["#31#"], server: "sip:pbx.example" }));
  expect([chooseTrunk([trunk], "%2331%23030"), chooseTrunk([trunk], "%2332%23030")]).toEqual([trunk, undefined]);
});

describe("chance with a seed", () => {
  const hash = (algorithm: string, text: string) => createHash(algorithm).update(text).digest("hex");

  it("falls the same way each time, and differently for others", () => {
    const draws = (seed: string) => {
      const draw = randomFor({ hash }, seed);
      return Array.from({ length: 8 }, () => draw(100));
    };
    expect(draws("one")).toEqual(draws("one"));
    expect(draws("one")).not.toEqual(draws("two"));
    expect(draws("one").every((number) => number >= 0 && number < 100)).toBe(true);
  });

  it("is even: of 1000 calls each of four servers gets its share", () => {
    const counts = [0, 0, 0, 0];
    for (let call = 0; call < 1000; call += 1) {
      const drawn = randomFor({ hash }, `call ${call}`)(4);
      counts[drawn] = (counts[drawn] ?? 0) + 1;
    }
    expect(counts.every((count) => count > 190 && count < 310)).toBe(true);
  });
});
