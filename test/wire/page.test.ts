import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Server, startServer } from "../support/server.ts";

/** `npm run build` makes the page; without it nothing is served. */
describe.skipIf(!existsSync("dist/web"))("the page, as it is served", () => {
  let server: Server;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server?.stop());

  const fetched = async (path: string): Promise<Headers> => {
    const answer = await fetch(server.url + path);
    await answer.body?.cancel();
    return answer.headers;
  };

  it.each(["/", "/softphone.js", "/styles.css", "/offhook-call.js", "/there-is-no-such-file"])(
    "%s is taken for nothing but its type, and tells nobody where its reader was",
    async (path) => {
      const headers = await fetched(path);
      expect(headers.get("X-Content-Type-Options")).toBe("nosniff");
      expect(headers.get("Referrer-Policy")).toBe("no-referrer");
    },
  );

  it.each(["/", "/softphone.js"])("%s runs scripts of its own host only, talks to it only, and stands in no frame", async (path) => {
    const headers = await fetched(path);
    const policy = new Map(
      (headers.get("Content-Security-Policy") ?? "").split(";").map((directive) => {
        const [name = "", ...sources] = directive.trim().split(" ");
        return [name, sources.join(" ")];
      }),
    );
    expect(Object.fromEntries(policy)).toEqual({
      "default-src": "'none'",
      "script-src": "'self'",
      "style-src": "'self'",
      "connect-src": "'self'",
      "img-src": "'self' data:",
      "base-uri": "'none'",
      "form-action": "'none'",
      "frame-ancestors": "'none'",
    });
    expect(headers.get("X-Frame-Options")).toBe("DENY");
    expect(headers.get("Cross-Origin-Opener-Policy")).toBe("same-origin");
    expect(headers.get("Cross-Origin-Resource-Policy")).toBe("same-origin");
  });

  it("has the microphone for itself, and asks for nothing else", async () => {
    const policy = (await fetched("/")).get("Permissions-Policy") ?? "";
    expect(policy).toContain("microphone=(self)");
    for (const feature of ["camera", "geolocation", "display-capture", "payment", "usb"]) expect(policy).toContain(`${feature}=()`);
  });

  it("lets other pages load the scripts of the call button and of the phone, and nothing else", async () => {
    for (const script of ["/offhook-call.js", "/offhook-phone.js"]) {
      const headers = await fetched(script);
      expect(headers.get("Content-Type")).toMatch(/^(?:text|application)\/javascript/);
      expect(headers.get("Cross-Origin-Resource-Policy")).toBe("cross-origin");
      expect(headers.get("Access-Control-Allow-Origin")).toBe("*");
    }
    for (const path of ["/", "/softphone.js", "/styles.css"]) expect((await fetched(path)).get("Access-Control-Allow-Origin")).toBeNull();
  });
});
