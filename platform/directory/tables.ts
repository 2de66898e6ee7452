/** The tables of the directory; an older database lacks some of them. */
export const tables = [
  "aliases",
  "api_keys",
  "audit",
  "calls",
  "deleted_subscribers",
  "domains",
  "ice",
  "issuers",
  "list_watchers",
  "lists",
  "peers",
  "push",
  "routes",
  "subscribers",
  "trunks",
  "web_hooks",
];
