/** Our close codes (RFC 6455 §7.4.2 leaves 4000 to 4999 to applications). */
export const closing = {
  credentialsChanged: { code: 4401, reason: "the credentials of this account changed: authenticate again" },
  tokenExpired: { code: 4401, reason: "the token has expired: connect again with a new one" },
  tokenUsedAgain: { code: 4401, reason: "the token is for one connection, and has opened another one" },
  subscriberDeleted: { code: 4404, reason: "this account no longer exists" },
  noMessage: { code: 4408, reason: "no valid SIP message came in time" },
  notAuthenticated: { code: 4408, reason: "no authentication in time" },
  doesNotRead: { code: 4429, reason: "the client reads too slowly: connect again" },
  tooMuch: { code: 4429, reason: "too many messages without authentication: connect again" },
  tooManyWaiting: { code: 4429, reason: "too many messages wait to be processed: connect again" },
  tooManyGuesses: { code: 4403, reason: "too many wrong passwords: connect again" },
  tooMany: { code: 4429, reason: "too many connections without authentication" },
  keyEnded: { code: 4401, reason: "the API key was deleted or has expired" },
  notAsked: { code: 4400, reason: "events are told here: nothing else is understood" },
  /** To a home, when the client's connection has failed: 1006 itself cannot be sent. */
  broken: { code: 4006, reason: "the client's connection failed" },
  /** RFC 6455 §7.4.1. */
  failed: { code: 1011, reason: "the server could not keep this connection: connect again" },
  tooOld: { code: 1012, reason: "this connection has reached its maximum age: connect again" },
} as const;
