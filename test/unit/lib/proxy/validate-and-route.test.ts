import { describe, expect, it } from "vitest";
import { type Owner, type RoutingDecision, validateAndRoute } from "../../../../lib/proxy/validate-and-route.ts";
import { dialledMark, recordRoute } from "../../../../lib/proxy/route-token.ts";
import { type Fault, isFault } from "../../../../lib/syntax/fault.ts";
import { endsHere } from "../../../../lib/server/ends-here.ts";
import { keyring, receive } from "../support/sip.ts";

const alice: Owner = { home: "sip:alice@example.com#1", user: "alice", domain: "example.com", aliases: ["sales", "+4930123"] };
const bob: Owner = { home: "sip:bob@example.com#1", user: "bob", domain: "example.com", aliases: [] };
const carol: Owner = { home: "sip:carol@example.com#1", user: "carol", domain: "example.com", aliases: [] };
const [alicesPhone, bobsPhone] = ["alicesph", "bobspho1"];
const dialog = {
  caller: { home: alice.home, phone: alicesPhone },
  callee: { home: bob.home, phone: bobsPhone },
  callerTag: "a",
};
const route = recordRoute(keyring, dialog, "call", "sip.example.com");
const routeUri = route.slice(1, -1);
const plainRoute = "<sip:sip.example.com;transport=ws;lr>";

function look(startLine: string, lines: readonly string[] = [], owner: Owner = alice): RoutingDecision | Fault {
  const { request, mandatory } = receive(startLine, ...lines);
  const isOurs = (host: string): boolean => ["example.com", "sip.example.com", "sip.example.com:8443"].includes(host);
  return validateAndRoute(request, mandatory, { keyring, owner, isOurs, endsHere });
}

/** The way of a request that should pass. */
function way(startLine: string, lines: readonly string[] = [], owner: Owner = alice): RoutingDecision {
  const found = look(startLine, lines, owner);
  if (isFault(found)) throw new Error(`refused with ${found.status}: ${found.fault}`);
  return found;
}

const toBob = { kind: "address", address: { user: "bob", domain: "example.com" } };

describe("RFC 3261 §16.3: what is refused", () => {
  it.each<[string, string, readonly string[], number]>([
    ["step 1: a Request-URI that is none", "INVITE sip:", [], 400],
    ["step 2: a scheme that cannot be routed", "INVITE mailto:bob@example.com", [], 416],
    ["step 2: another", "INVITE urn:service:sos", [], 416],
    ["step 3: Max-Forwards that has reached zero", "INVITE sip:bob@example.com", ["Max-Forwards: 0"], 483],
    ["step 3: also within a dialog", "BYE sip:b@x.invalid", ["Max-Forwards: 0", "To: <sip:bob@example.com>;tag=b", `Route: ${route}`], 483],
    [
      "step 3: event state of a phone, or of a package that is not ours",
      "SUBSCRIBE sip:bob@example.com;gr=urn:uuid:1",
      ["Max-Forwards: 0", "Event: presence"],
      483,
    ],
    ["step 3: of a package that is not ours", "SUBSCRIBE sip:bob@example.com", ["Max-Forwards: 0", "Event: refer"], 483],
    ["step 5: an extension that is required of proxies", "INVITE sip:bob@example.com", ["Proxy-Require: foo, bar"], 420],
    ["§22: a From that is not the sender's", "INVITE sip:bob@example.com", ["From: <sip:carol@example.com>;tag=a"], 403],
  ])("%s", (_step, startLine, lines, status) => {
    expect(look(startLine, lines)).toMatchObject({ status });
  });

  it("step 5: 420 says what is not supported", () => {
    expect(look("INVITE sip:bob@example.com", ["Proxy-Require: Foo, bar"])).toMatchObject({ headers: [["Unsupported", "foo, bar"]] });
  });

  it("Max-Forwards of 0 in an OPTIONS for ourselves is no fault: we are the last to get it (§11.1)", () => {
    expect(way("OPTIONS sip:example.com", ["Max-Forwards: 0"])).toEqual({ kind: "server" });
    expect(look("OPTIONS sip:bob@example.com", ["Max-Forwards: 0"])).toMatchObject({ status: 483 });
  });

  it.each([
    ["SUBSCRIBE", ["Event: presence"]],
    ["SUBSCRIBE", ["Event: dialog;id=1"]],
    ["PUBLISH", ["Event: presence"]],
  ])(
    "Max-Forwards of 0 in a %s with %s is no fault either: our presence agent is the last to get it, and nobody else may",
    (method, lines) => {
      const found = way(`${method} sip:bob@example.com`, ["Max-Forwards: 0", ...lines]);
      expect(found).toMatchObject({ ...toBob, isLast: true, alterations: { maxForwards: 0 } });
      expect(way(`${method} sip:bob@example.com`, ["Max-Forwards: 1", ...lines])).not.toHaveProperty("isLast");
    },
  );

  it("nor is it in the dialog of a subscription, of which our agent is the other end", () => {
    const ends = { caller: { home: alice.home, phone: alicesPhone }, callee: { home: bob.home, phone: "presence" }, callerTag: "a" };
    const own = recordRoute(keyring, ends, "call", "sip.example.com");
    const lines = ["Max-Forwards: 0", "To: <sip:bob@example.com>;tag=b", `Route: ${own}`, "Event: presence"];
    expect(way("SUBSCRIBE sip:bob@example.com", lines)).toMatchObject({ kind: "dialog", receiver: { phone: "presence" } });
  });

  it("Require is not for proxies: it passes", () => {
    expect(way("INVITE sip:bob@example.com", ["Require: 100rel"])).toMatchObject(toBob);
  });
});

describe("who may stand in From, outside a dialog", () => {
  it.each([
    "<sip:alice@example.com>",
    "<sip:%61lice@EXAMPLE.COM>",
    "sip:alice@example.com",
    '"Whoever" <sips:alice@example.com:5061;x=y>',
    "<sip:sales@example.com>",
    "<sip:+4930123@example.com;user=phone>",
    "<tel:+4930123>",
    "<sip:anonymous@anonymous.invalid>",
    '"Anonymous" <sip:c8oqz84zk7z@Anonymous.Invalid>',
  ])("%s is the sender's own", (from) => {
    expect(way("INVITE sip:bob@example.com", [`From: ${from};tag=a`])).toMatchObject(toBob);
  });

  it.each([
    "<sip:Alice@example.com>",
    "<sip:bob@example.com>",
    "<sip:alice@example.org>",
    "<sip:alice@sip.example.com>",
    "<sip:example.com>",
    "<tel:+4930999>",
    "<mailto:alice@example.com>",
    "<sip:anonymous@example.com>",
    "<sip:alice@anonymous.invalid.example>",
  ])("%s is somebody else's: 403", (from) => {
    expect(look("INVITE sip:bob@example.com", [`From: ${from};tag=a`])).toMatchObject({ status: 403 });
  });

  it("a To tag without a route of ours does not make it another's", () => {
    expect(look("INVITE sip:bob@example.com", ["From: <sip:carol@example.com>;tag=a", "To: <sip:bob@example.com>;tag=b"])).toMatchObject({
      status: 403,
    });
  });
});

describe("RFC 3261 §16.5: whom the Request-URI names", () => {
  const named = { instance: undefined, registration: undefined };

  it.each([
    ["sip:bob@example.com", { user: "bob", domain: "example.com", ...named }],
    ["sip:Bob@EXAMPLE.com;transport=ws", { user: "Bob", domain: "example.com", ...named }],
    ["sips:%62ob@example.com", { user: "bob", domain: "example.com", ...named }],
    ["sip:bob@elsewhere.example", { user: "bob", domain: "elsewhere.example", ...named }],
    ["sip:elsewhere.example", { user: "", domain: "elsewhere.example", ...named }],
    ["tel:+4930555", { user: "+4930555", domain: "example.com", ...named }],
    ["tel:+49-30-(555)", { user: "+4930555", domain: "example.com", ...named }],
    ["sip:bob@example.com;gr=urn:uuid:1", { user: "bob", domain: "example.com", instance: "urn:uuid:1", registration: undefined }],
  ])("%s", (uri, address) => {
    expect(way(`INVITE ${uri}`)).toMatchObject({ kind: "address", address });
  });

  it.each(["sip:example.com", "sip:sip.example.com", "sip:SIP.Example.com:8443;transport=ws"])("%s is this server", (uri) => {
    expect(way(`OPTIONS ${uri}`)).toEqual({ kind: "server" });
  });

  it("a temporary GRUU that never was is nobody: 404 (RFC 5627 §6.1)", () => {
    expect(look("INVITE sip:tgruu.AAAA@example.com;gr")).toMatchObject({ status: 404 });
  });
});

describe("RFC 3261 §16.6: what changes on the way", () => {
  const alterations = (startLine: string, lines: readonly string[] = []) => {
    const found = way(startLine, lines);
    return found.kind === "server" ? undefined : found.alterations;
  };

  it("Max-Forwards is one less, and 70 where it was not there (step 3)", () => {
    expect(alterations("INVITE sip:bob@example.com", ["Max-Forwards: 12"])).toMatchObject({ maxForwards: 11 });
    const { request, mandatory } = receive("INVITE sip:bob@example.com");
    const bare = { ...mandatory, maxForwards: undefined };
    expect(validateAndRoute(request, bare, { keyring, owner: alice, isOurs: () => true, endsHere })).toMatchObject({
      alterations: { maxForwards: 70 },
    });
  });

  it("what is for us, or says who an anonymous caller is, goes no further", () => {
    const lines = [
      'Proxy-Authorization: Digest username="alice"',
      "P-Preferred-Identity: <sip:alice@example.com>",
      "P-Asserted-Identity: <sip:ceo@example.com>",
      "Subject: hello",
    ];
    expect(alterations("INVITE sip:bob@example.com", lines)?.remove).toEqual([
      "proxy-authorization",
      "p-preferred-identity",
      "p-asserted-identity",
    ]);
    expect(alterations("INVITE sip:bob@example.com")?.remove).toEqual([]);
  });

  it("credentials for another server's realm go on, ours do not (§22.3)", () => {
    const [ours, others] = ["Example.com", "elsewhere.example"].map((realm) => `Digest username="a", realm="${realm}", nonce="n"`);
    const lines = [`Proxy-Authorization: ${ours}`, `Proxy-Authorization: ${others}`, `Authorization: ${others}`];
    expect(alterations("INVITE sip:bob@elsewhere.example", lines)).toMatchObject({
      remove: ["proxy-authorization", "authorization"],
      append: [
        ["Proxy-Authorization", others],
        ["Authorization", others],
      ],
    });
    expect(alterations("INVITE sip:bob@elsewhere.example", lines.slice(0, 1))).not.toHaveProperty("append");
  });

  it.each([
    ["is passed on", [], []],
    ["is passed on to those who shall have it (none)", ["Privacy: none"], []],
    ["is taken off for a caller who wants it so (id)", ["Privacy: header;id"], ["p-asserted-identity"]],
  ])("what a trusted server asserts %s (RFC 3325 §5)", (_rule, lines, removed) => {
    const owner = { ...alice, isTrusted: true, standing: "trusted server" } as const;
    const { request, mandatory } = receive("INVITE sip:bob@example.com", "P-Asserted-Identity: <sip:ceo@example.com>", ...lines);
    expect(validateAndRoute(request, mandatory, { keyring, owner, isOurs: () => true, endsHere })).toMatchObject({
      alterations: { remove: removed },
    });
  });

  it("our own Route is taken off (§16.4), and the Request-URI stays", () => {
    const changed = alterations("INVITE sip:bob@example.com", [`Route: ${plainRoute}`]);
    expect([changed?.popRoutes, changed?.requestUri]).toEqual([1, undefined]);
    expect(alterations("INVITE sip:bob@example.com")).not.toHaveProperty("popRoutes");
  });
});

describe("RFC 3261 §16.4: Route", () => {
  it.each([
    ["that names another server", ["<sip:elsewhere.example;lr>"], 403],
    ["that names another behind ours", [plainRoute, "<sip:elsewhere.example;lr>"], 403],
    ["that is malformed", ["<sip:>"], 400],
    ["that is no SIP URI", ["<tel:+4930123>"], 400],
  ])("%s is refused", (_what, routes, status) => {
    expect(look("INVITE sip:bob@example.com", [`Route: ${routes.join(", ")}`])).toMatchObject({ status });
  });

  it.each<[string, readonly string[], number]>([
    ["an outbound proxy and our Service-Route", [plainRoute, plainRoute], 2],
    ["the same by other names of ours", ["<sip:example.com;transport=ws;lr>", "<sip:sip.example.com:8443;lr>", plainRoute], 3],
    ["our Service-Route and a token of another call", [plainRoute, "<sip:route.AAAA@old.example.com;lr>"], 2],
  ])("all at the top that are ours are taken off: %s", (_what, routes, popRoutes) => {
    expect(way("INVITE sip:bob@example.com", [`Route: ${routes.join(", ")}`])).toMatchObject({ ...toBob, alterations: { popRoutes } });
    expect(
      way(
        "INVITE sip:bob@example.com",
        routes.map((one) => `Route: ${one}`),
      ),
    ).toMatchObject({ ...toBob, alterations: { popRoutes } });
  });

  it("another server's behind two of ours is refused all the same", () => {
    expect(look("INVITE sip:bob@example.com", [`Route: ${plainRoute}, ${plainRoute}, <sip:elsewhere.example;lr>`])).toMatchObject({
      status: 403,
    });
  });

  it("within a dialog, our token behind our own name leads; what stands behind it is the way to the other end, and stays", () => {
    const behind = ["<sip:edge.phone.invalid;lr>", plainRoute];
    const lines = [`Route: ${[plainRoute, route, ...behind].join(", ")}`, "To: <sip:bob@example.com>;tag=b"];
    expect(way("BYE sip:bob@phone.invalid", lines)).toMatchObject({
      kind: "dialog",
      receiver: dialog.callee,
      alterations: { popRoutes: 2 },
    });
  });

  it("our token outside a dialog is dropped, and the Request-URI routes", () => {
    expect(way("INVITE sip:bob@example.com", [`Route: ${route}`])).toMatchObject({ ...toBob, alterations: { popRoutes: 1 } });
  });

  it("our token with another Call-ID is dropped, and From is checked", () => {
    const lines = [`Route: ${route}`, "Call-ID: another", "To: <sip:bob@example.com>;tag=b"];
    expect(way("INFO sip:bob@example.com", lines)).toMatchObject(toBob);
    expect(look("INFO sip:bob@example.com", [...lines, "From: <sip:carol@example.com>;tag=a"])).toMatchObject({ status: 403 });
  });

  it("a token of another call leads to no other server: its Request-URI is a Contact of that call", () => {
    const lines = [`Route: ${route}`, "Call-ID: another", "To: <sip:bob@example.com>;tag=b"];
    for (const method of ["BYE", "INVITE", "NOTIFY", "MESSAGE"])
      expect(look(`${method} sip:bob@phone.invalid;transport=ws`, lines)).toMatchObject({ status: 481 });
    expect(look("INVITE sip:bob@phone.invalid", ["To: <sip:bob@example.com>;tag=b"])).toMatchObject({ kind: "address" });
  });

  it("a token that does not open is dropped, whatever its host is", () => {
    const lines = ["Route: <sip:route.AAAA@old.example.com;lr>", "To: <sip:bob@example.com>;tag=b"];
    expect(way("INFO sip:bob@example.com", lines)).toMatchObject(toBob);
  });
});

describe("requests within a dialog, by our token", () => {
  const inDialog = (from: string, to: string): string[] => [
    `Route: ${route}`,
    `From: <sip:any@elsewhere.example>;tag=${from}`,
    `To: <sip:x@y.example>;tag=${to}`,
  ];

  it("of the caller go to the callee's phone", () => {
    expect(way("BYE sip:bob@phone.invalid", inDialog("a", "b"))).toEqual({
      kind: "dialog",
      sender: dialog.caller,
      receiver: dialog.callee,
      recordRoute: undefined,
      alterations: { maxForwards: 69, remove: [], popRoutes: 1 },
      hasOwnRouteToken: true,
      isFromCaller: true,
      dialled: undefined,
    });
  });

  it("of the callee go to the caller's phone, whatever his From is: what the caller once dialled", () => {
    expect(way("BYE sip:alice@phone.invalid", inDialog("b", "a"), bob)).toMatchObject({ kind: "dialog", receiver: dialog.caller });
  });

  it.each([
    ["a stranger", carol, "a"],
    ["a stranger with the callee's tag", carol, "b"],
    ["the callee with the caller's tag", bob, "a"],
    ["the caller with the callee's tag", alice, "b"],
  ])("of %s are refused with 403", (_whom, owner, from) => {
    expect(look("BYE sip:bob@phone.invalid", inDialog(from, "x"), owner)).toMatchObject({ status: 403 });
  });

  it("NOTIFY repeats the route that its subscription had (RFC 6665 §4.3), no other method does", () => {
    expect(way("NOTIFY sip:alice@phone.invalid", inDialog("b", "a"), bob)).toMatchObject({ recordRoute: route });
    expect(way("INFO sip:alice@phone.invalid", inDialog("b", "a"), bob)).toMatchObject({ recordRoute: undefined });
  });

  it.each(["UPDATE", "INFO", "REFER", "BYE", "FOO"])("%s finds its way too", (method) => {
    expect(way(`${method} sip:bob@phone.invalid`, inDialog("a", "b"))).toMatchObject({ kind: "dialog" });
  });
});

describe("RFC 3261 §16.4: a strict router before us", () => {
  const lines = ["To: <sip:bob@example.com>;tag=b"];

  it("has put our route into the Request-URI, and the target into the last Route: both are put back", () => {
    expect(way(`BYE ${routeUri}`, [...lines, "Route: <sip:bob@phone.invalid>"])).toEqual({
      kind: "dialog",
      sender: dialog.caller,
      receiver: dialog.callee,
      recordRoute: undefined,
      alterations: { maxForwards: 69, remove: [], requestUri: "sip:bob@phone.invalid", popLastRoute: true },
      hasOwnRouteToken: true,
      isFromCaller: true,
      dialled: undefined,
    });
  });

  it("with a token for another call has put nothing of ours there", () => {
    expect(look(`BYE ${routeUri}`, [...lines, "Call-ID: another", "Route: <sip:bob@phone.invalid>"])).toMatchObject({ status: 403 });
  });

  it("may have put our Service-Route there, and what was behind it stands before the target", () => {
    const serviceRoute = plainRoute.slice(1, -1);
    expect(way(`INVITE ${serviceRoute}`, ["Route: <sip:bob@example.com>"])).toMatchObject({
      ...toBob,
      alterations: { requestUri: "sip:bob@example.com", popLastRoute: true },
    });
    expect(way(`INVITE ${serviceRoute}`, [`Route: ${plainRoute}, <sip:bob@example.com>`])).toMatchObject({
      ...toBob,
      alterations: { requestUri: "sip:bob@example.com", popRoutes: 1, popLastRoute: true },
    });
    expect(look(`INVITE ${serviceRoute}`, ["Route: <sip:elsewhere.example>, <sip:bob@example.com>"])).toMatchObject({ status: 403 });
  });

  it("has left the rest of the way to the other end where it was", () => {
    const route = "Route: <sip:edge.phone.invalid>, <sip:bob@phone.invalid>";
    expect(way(`BYE ${routeUri}`, [...lines, route])).toMatchObject({
      kind: "dialog",
      alterations: { requestUri: "sip:bob@phone.invalid" },
    });
    expect(way(`BYE ${routeUri}`, [...lines, route])).not.toHaveProperty("alterations.popRoutes");
  });

  it("has not been there if the Request-URI is this server and has no lr", () => {
    expect(way("OPTIONS sip:example.com", [`Route: ${plainRoute}`])).toEqual({ kind: "server" });
  });

  it("outside a dialog the repaired Request-URI routes", () => {
    expect(way(`MESSAGE ${routeUri}`, ["Route: <sip:bob@example.com>"])).toMatchObject({
      ...toBob,
      alterations: { requestUri: "sip:bob@example.com", popLastRoute: true },
    });
  });
});

describe("what a route token vouches for within a dialog", () => {
  const marks = { dialled: dialledMark("sip:sales@example.com"), calling: dialledMark("sip:alice@example.com") };
  const withMarks = recordRoute(keyring, { ...dialog, ...marks }, "call", "sip.example.com");
  const to = "To: <sip:x@example.com>;tag=t";

  it.each([
    ["the caller as in the INVITE", alice, "UPDATE", "<sip:alice@example.com>;tag=a", true],
    ["the caller in another name of theirs", alice, "UPDATE", "<sip:sales@example.com>;tag=a", true],
    ["the caller as somebody else", alice, "UPDATE", "<sip:carol@example.com>;tag=a", false],
    ["the callee as whom the caller has dialled", bob, "INVITE", "<sip:sales@example.com>;tag=b", true],
    ["the callee in their own name", bob, "INVITE", "<sip:bob@example.com>;tag=b", true],
    ["the callee as somebody else", bob, "INFO", "<sip:carol@example.com>;tag=b", false],
    ["who hangs up, whatever their name is by now", bob, "BYE", "<sip:carol@example.com>;tag=b", true],
  ])("%s", (_who, owner, method, from, passes) => {
    const found = look(`${method} sip:p@x.invalid`, [`From: ${from}`, to, `Route: ${withMarks}`], owner);
    expect(isFault(found)).toBe(!passes);
  });

  it("a token of an older build, which has no marks, vouches for all but MESSAGE", () => {
    const lines = ["From: <sip:carol@example.com>;tag=a", to, `Route: ${route}`];
    expect(isFault(look("UPDATE sip:p@x.invalid", lines))).toBe(false);
    expect(look("MESSAGE sip:p@x.invalid", lines)).toMatchObject({ status: 403 });
  });
});
