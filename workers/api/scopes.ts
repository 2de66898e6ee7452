import type { Scope } from "../../lib/authentication/scope.ts";

/** The scope that each operation of the API needs. An operation that is not in this table does not compile. */
export const neededScopes = {
  ...{ listDomains: "read", readDomain: "read", putDomain: "everything", deleteDomain: "everything" },
  ...{ readIce: "read", putIce: "everything", deleteIce: "everything", readIceServers: "everything" },
  ...{ listPushServices: "read", readPushService: "read", putWebPush: "everything", putFcm: "everything", putApns: "everything" },
  ...{ deletePushService: "everything", readOfferedPush: "everything" },
  ...{ listMediaServices: "read", readMediaService: "read", readMediaServiceStatus: "read" },
  ...{ putMediaService: "everything", deleteMediaService: "everything" },
  ...{ readSigning: "read", readSigningStatus: "read", putSigning: "everything", deleteSigning: "everything" },
  ...{ readMe: "everything", listMyCalls: "everything", putMyWatcher: "everything" },
  ...{ readDomainSettings: "read", putDomainSettings: "everything" },
  ...{
    listSubscribers: "read",
    readSubscriber: "read",
    putSubscriber: "provisioning",
    importSubscribers: "provisioning",
    exportSubscribers: "everything",
    deleteSubscriber: "provisioning",
  },
  ...{ readRules: "read", putRules: "provisioning", deleteRules: "provisioning" },
  ...{ listBindings: "read", addBinding: "provisioning", deleteBinding: "provisioning" },
  ...{ listWatchers: "read", putWatcher: "provisioning", deleteWatcher: "provisioning" },
  ...{ putPresence: "provisioning", deletePresence: "provisioning", putVoiceMail: "provisioning" },
  // They write and call in the name of a user, as a token of that user may.
  ...{ sendMessage: "provisioning", connectUser: "provisioning" },
  ...{ listListsOfSubscriber: "read", readListOfSubscriber: "read" },
  ...{ putListOfSubscriber: "provisioning", deleteListOfSubscriber: "provisioning" },
  ...{ listListsOfDomain: "read", readListOfDomain: "read", putListOfDomain: "provisioning", deleteListOfDomain: "provisioning" },
  ...{ readTrace: "read", keepTrace: "calls", deleteTrace: "calls", listCalls: "read", listLiveCalls: "read", endCall: "calls" },
  ...{ readTraceOfDomain: "read", keepTraceOfDomain: "calls", deleteTraceOfDomain: "calls" },
  ...{ listCallRecords: "read", readCallRecord: "read", readCallTrace: "read", exportCallRecords: "read" },
  ...{ listTrunks: "read", readTrunk: "read", readTrunkStatus: "read", putTrunk: "everything", deleteTrunk: "everything" },
  ...{ listTrunkPresets: "read" },
  ...{ listPeers: "read", readPeer: "read", putPeer: "everything", deletePeer: "everything" },
  ...{ listRoutes: "read", readRoute: "read", testRoutes: "read", putRoute: "everything", deleteRoute: "everything" },
  ...{ readRouter: "read", putRouter: "everything", deleteRouter: "everything" },
  ...{ watchEvents: "read" },
  ...{ listWebHooks: "read", readWebHook: "read", listWebHookDeliveries: "read" },
  ...{ putWebHook: "everything", deleteWebHook: "everything", rotateWebHookSecret: "everything" },
  ...{ testWebHook: "everything", replayWebHookDelivery: "everything" },
  ...{ addToken: "provisioning", deleteTokens: "provisioning", addGuestToken: "provisioning" },
  ...{ readTurnstile: "read", putTurnstile: "everything", deleteTurnstile: "everything", addTurnstileToken: "read" },
  ...{ listIssuers: "read", readIssuer: "read", putIssuer: "everything", deleteIssuer: "everything" },
  ...{ listKeys: "everything", addKey: "everything", deleteKey: "everything" },
  ...{ listAudit: "read", listAuditOfDomain: "read" },
} as const satisfies Readonly<Record<string, Scope>>;

export type OperationId = keyof typeof neededScopes;

/** The operations that users may perform on what is theirs, with their own password. */
export const subscriberOperations: ReadonlySet<OperationId> = new Set<OperationId>([
  ...(["listWatchers", "putWatcher", "deleteWatcher"] as const),
  ...(["readIceServers", "readOfferedPush", "readMe", "listMyCalls", "putMyWatcher"] as const),
  ...(["listListsOfSubscriber", "readListOfSubscriber", "putListOfSubscriber", "deleteListOfSubscriber"] as const),
]);

/** What a page may do without credentials. */
export const publicOperations: ReadonlySet<OperationId> = new Set<OperationId>(["addTurnstileToken"]);

/** Whether the audit log has an operation: if it changes something, which `testRoutes` does not, or gives secrets away. */
export function isAudited(operation: OperationId, method: string): boolean {
  if (operation === "exportSubscribers") return true;
  return method !== "GET" && method !== "HEAD" && neededScopes[operation] !== "read";
}
