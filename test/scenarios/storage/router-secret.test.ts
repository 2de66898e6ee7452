import { expect, it } from "vitest";
import type { Router } from "../../../lib/location/router.ts";
import { keyringOf } from "../../../platform/crypto/keyring.ts";
import { Directory } from "../../../platform/directory/directory.ts";
import { simulatedDirectory } from "../world/database.ts";

const [old, fresh] = [1, 2].map((octet) => new Uint8Array(32).fill(octet)) as [Uint8Array, Uint8Array];

it("the secret of a router is sealed again with a new first key, and one that no key opens stays as it is", async () => {
  const { database, run, rows } = simulatedDirectory();
  const sealed = keyringOf([old]).seal("router-secret", "whsec_x", "example.com");
  const router: Router = { kind: "http", url: "https://app.example.com/", secret: sealed, timeout: 500, fallback: "continue" };
  run("INSERT INTO domains (name, created_at, settings) VALUES (?, 0, ?)", "example.com", JSON.stringify({ callsOut: true, router }));
  const stored = (): { callsOut: boolean; router: Router & { kind: "http" } } =>
    JSON.parse(String(rows("SELECT settings FROM domains")[0]?.["settings"])) as { callsOut: boolean; router: Router & { kind: "http" } };
  const readWith = (...keys: readonly Uint8Array[]) => new Directory(database, () => keyringOf(keys)).routes("example.com");
  await readWith(fresh);
  expect(stored().router).toEqual(router);
  await readWith(fresh, old);
  expect(keyringOf([fresh]).open("router-secret", stored().router.secret, "example.com")).toBe("whsec_x");
  expect(stored()).toEqual({ callsOut: true, router: { ...router, secret: stored().router.secret } });
});
