/** Who looks at the events of a domain. */
export interface EventWatcher {
  /** The id of the API key; undefined for the administrator's token. */
  readonly key: string | undefined;
}

/** Only the Worker sends requests to the object. */
const keyHeader = "Offhook-Key";

/** The upgrade with which the Worker opens a socket at the object of a domain's events. */
export function watchRequest({ key }: EventWatcher): Request {
  return new Request("https://domain-events/", { headers: { Upgrade: "websocket", ...(key === undefined ? {} : { [keyHeader]: key }) } });
}

export function watcherIn({ headers }: Request): EventWatcher {
  return { key: headers.get(keyHeader) ?? undefined };
}
