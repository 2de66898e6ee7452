/** The tables of the directory; an older database lacks some of them. */
export const tables = ["aliases", "deleted_subscribers", "domains", "list_watchers", "lists", "peers", "routes", "subscribers", "trunks"];
