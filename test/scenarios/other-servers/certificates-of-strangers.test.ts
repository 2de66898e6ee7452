import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Environment } from "../../../platform/environment.ts";
import { fetchChain } from "../../../platform/stir/certificate-fetch.ts";

/** Who calls chooses the URL of the certificate: RFC 8224 §7.2. */
const environment = { DIRECTORY: {}, ALLOWED_NETWORKS: "10.0.0.0/8" } as Environment;
let answer: () => Promise<Response>;
const asked = vi.fn<(url: string, init: RequestInit) => Promise<Response>>(async () => answer());
beforeEach(() => {
  answer = async () => new Response("chain", { headers: { "Cache-Control": "max-age=7200, public" } });
  vi.stubGlobal("fetch", asked);
  vi.spyOn(console, "error").mockReturnValue(undefined);
});
afterEach(() => {
  asked.mockClear();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const there = "https://9.9.9.9/1.pem";

describe("the URL of a stranger's certificate", () => {
  it.each([
    ["http://9.9.9.9/1.pem", "is not an https URL"],
    ["https://10.0.0.1/1.pem", "leads to 10.0.0.1, an address in a private network"],
    ["https://127.0.0.1/1.pem", "leads to 127.0.0.1"],
    ["https://[::1]/1.pem", "leads to ::1"],
    ["https://localhost/1.pem", "leads to 127.0.0.1"],
    ["https://user:password@9.9.9.9/1.pem", "has a user name or a password"],
    ["https://9.9.9.9:22/1.pem", "is at a port other than 443 and 8443"],
    ["https://", "is not a URL"],
  ])("%s is not fetched: %s", async (url, why) => {
    expect(await fetchChain(environment, url)).toMatchObject({ status: 436, fault: expect.stringContaining(why) as string });
    expect(asked).not.toHaveBeenCalled();
  });

  it.each([there, "https://9.9.9.9:8443/1.pem"])("%s is, without redirections", async (url) => {
    expect(await fetchChain(environment, url)).toEqual({ pem: "chain", age: 7200 });
    expect(asked.mock.calls).toEqual([[url, expect.objectContaining({ redirect: "manual" })]]);
  });
});

describe("what is at the URL", () => {
  it.each([
    [undefined, 3600],
    ["max-age=0", 60],
    ["no-cache, max-age=600", 600],
    ["max-age=99999999", 86_400],
    ["s-max-age=7", 3600],
    ["max-age=x", 3600],
  ])("is kept by its Cache-Control, within limits: %s, %i seconds", async (header, age) => {
    answer = async () => new Response("chain", header === undefined ? {} : { headers: { "Cache-Control": header } });
    expect(await fetchChain(environment, there)).toEqual({ pem: "chain", age });
  });

  it.each<readonly [what: string, why: string, given: () => Promise<Response>]>([
    ["a redirection", "status 302", async () => new Response(null, { status: 302, headers: { Location: "https://10.0.0.1/" } })],
    ["nothing", "status 404", async () => new Response("not found", { status: 404 })],
    ["too much", "longer than 32768 octets", async () => new Response("x".repeat(32_769))],
    ["a broken connection", "could not be reached", () => Promise.reject(new TypeError("network"))],
  ])("does not count: %s", async (_what, why, given) => {
    answer = given;
    expect(await fetchChain(environment, there)).toMatchObject({ status: 436, fault: expect.stringContaining(why) as string });
  });

  it("is given up after three seconds", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    asked.mockImplementationOnce(
      (_url, { signal }) => new Promise((_resolve, reject) => signal?.addEventListener("abort", () => reject(new Error("aborted")))),
    );
    const fetched = fetchChain(environment, there);
    await vi.advanceTimersByTimeAsync(3000);
    expect(await fetched).toMatchObject({ fault: "the URL of the certificate has not answered in 3 seconds" });
  });
});
