import type { IceServer } from "./ice-server.ts";
import type { CloudflareIce, IceSettings, SharedSecretIce, StaticIce } from "./ice-settings.ts";

/** Settings as they were sent: a secret that is left out is kept. */
export type SentIceSettings =
  | StaticIce
  | (Omit<SharedSecretIce, "secret"> & { readonly secret?: string | undefined })
  | (Omit<CloudflareIce, "apiToken"> & { readonly apiToken?: string | undefined });

/** The secret that is missing: the member, as the API names it. */
export interface MissingSecret {
  readonly missing: string;
}

/**
 * New settings with the secrets that were left out, as they were before. A token is kept for the same key at the same place only: it would
 * be sent to the new one.
 */
export function keepSecrets(sent: SentIceSettings, before: IceSettings | undefined): IceSettings | MissingSecret {
  switch (sent.kind) {
    case "static":
      return keepCredentials(sent, before?.kind === "static" ? before.servers : []);
    case "shared_secret": {
      const secret = sent.secret ?? (before?.kind === "shared_secret" ? before.secret : "");
      return secret === "" ? { missing: "secret" } : { ...sent, secret };
    }
    case "cloudflare": {
      const isSame = before?.kind === "cloudflare" && before.endpoint === sent.endpoint && before.keyId === sent.keyId;
      const apiToken = sent.apiToken ?? (isSame ? before.apiToken : "");
      return apiToken === "" ? { missing: "api_token" } : { ...sent, apiToken };
    }
  }
}

/** By the addresses and the user name of a server. */
function keepCredentials(sent: StaticIce, before: readonly IceServer[]): StaticIce | MissingSecret {
  const servers = sent.servers.map((server) => {
    const { username, credential = before.find((one) => isSameAccount(one, server))?.credential } = server;
    return username === undefined || credential === undefined ? server : { ...server, credential };
  });
  const missing = servers.findIndex(({ username, credential }) => username !== undefined && credential === undefined);
  return missing < 0 ? { ...sent, servers } : { missing: `servers.${missing}.credential` };
}

function isSameAccount(one: IceServer, other: IceServer): boolean {
  return one.username === other.username && one.urls.join(" ") === other.urls.join(" ");
}
