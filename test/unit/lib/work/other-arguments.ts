import { fault } from "../../../../lib/syntax/fault.ts";
import { receive } from "../support/sip.ts";

const { request, mandatory } = receive("INVITE sip:bob@example.com");
const line = { name: "a", at: 0, valueAt: 0, end: 10_001, isFolded: true };

/** What readers want behind the text, by their names. */
export const behindTheFirst: Readonly<Record<string, readonly unknown[]>> = {
  acceptance: ["application/pidf+xml"],
  alter: [{}],
  compileExtended: [true],
  endOfRun: [0, 1],
  endsHere: [{ kind: "address", address: { user: "bob", domain: "example.com", instance: undefined } }],
  hasHeader: ["route"],
  headerIn: [["call-id", "i"]],
  otherServerEnd: ["192.0.2.1", 5060],
  headerValue: ["route"],
  headerValues: ["route"],
  isTokenBetween: [0, 10_000],
  numberBetween: [0, 10_000],
  numberIn: [line],
  parseXml: ["urn:ietf:params:xml:ns:pidf", "presence"],
  readCredentials: ["authorization"],
  readListUser: [],
  readOptionTags: ["supported"],
  splitAt: [44],
  substitute: ["+4930123456"],
  fastCSeq: [0, 10_000, "INVITE"],
  fastFromTo: [0, 10_000],
  fastVia: [0, 10_000],
  valueEnd: [line],
  valueOf: [line],
  valueStart: [line],
  bindingKey: [1, "sip:a@b.invalid"],
  changesOfPidf: ['<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:a@b"/>'],
  awayFrom: [[["Contact", "<sip:bob@example.com>"]]],
  begunCall: [{ started: 0, timeline: [], devices: [] }, request, "example.com"],
  recordOfRefused: ["t", { status: 404, reason: "Not Found" }, { parties: {}, domain: "example.com", now: 0 }],
  incomingCall: [
    {
      transaction: "t",
      domain: "example.com",
      home: "sip:a@example.com#1",
      identity: "a@example.com",
      routed: { dialled: "b" },
      started: 0,
    },
  ],
  inspectRequest: [{ options: [], types: [] }],
  isSameUri: ["sip:example.com"],
  nextRoute: [undefined, []],
  readListSubscribeParameters: [true, { minimumExpires: 60, maximumExpires: 3600 }],
  loopMark: [[], "call", "1"],
  markOf: [mandatory],
  publicGruu: ["example.com", "urn:uuid:1"],
  transportOfService: [["tls"]],
  ackFor: [request],
  takenFrom: ["trusted server"],
  shownTo: ["server"],
  answerSessionTimer: [{ status: 200, lines: [] }],
  applySessionTimer: [{ minimum: 90, interval: 1800 }],
  selectHome: [mandatory, []],
  guessesIn: [fault(407, "authentication is required")],
  passwordsIn: [fault(407, "authentication is required")],
  grantedExpires: ["sip:a@b.invalid", 3600],
  historyOf: [{ from: "sip:bob@example.com", to: "sip:carol@example.com", cause: "no-answer" }],
  wantsPrivacy: [["history"]],
  preferTargets: [[{ features: ';methods="INVITE"' }]],
  readCallDetails: [request, true],
  readNotified: [1, "", undefined],
  readSubscribeParameters: [{ minimumExpires: 60, maximumExpires: 3600 }],
};

/** Functions whose first parameter is what they write, or what others in the list have read. */
export const writers: readonly string[] = [
  ...["applicationPidf", "closedPidf", "dialogInfo", "fullPidf", "messageSummary", "partialPidf", "readPublished", "reginfo"],
  ...["validateAndRoute", "finalResponse", "isSaidAgain", "readIceSettings", "readTrunk", "readWebHook"],
  ...["retargetedRequest", "takenBy", "watcherinfo"],
];
