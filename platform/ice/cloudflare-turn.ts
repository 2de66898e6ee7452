import { readCloudflareAnswer } from "../../lib/ice/cloudflare-answer.ts";
import type { CloudflareIce } from "../../lib/ice/ice-settings.ts";
import type { Environment } from "../environment.ts";
import { whyUnreachable } from "../web-hook-receiver.ts";
import { boundedText } from "../bounded-text.ts";
import type { IceAnswer, IceUnavailable } from "./ice-answer.ts";

/** Milliseconds until the service has to answer, and octets of its answer. */
const patience = 5000;
const maxSize = 65_536;

/** Where credentials of a key are asked for. */
function credentialsUrl({ endpoint, keyId }: Pick<CloudflareIce, "endpoint" | "keyId">): string {
  return `${endpoint}/v1/turn/keys/${encodeURIComponent(keyId)}/credentials/generate-ice-servers`;
}

/** Asks Cloudflare Realtime TURN, or a service with the same interface, for servers with new credentials. */
export async function fetchCloudflareServers(environment: Environment, settings: CloudflareIce): Promise<IceAnswer | IceUnavailable> {
  const why = await whyUnreachable(environment, settings.endpoint);
  if (why !== undefined) return unavailable(`the endpoint ${why}`);
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), patience);
  try {
    return await ask(settings, timeout.signal);
  } catch (error) {
    console.error(JSON.stringify({ note: "a TURN service could not be asked", endpoint: settings.endpoint, error: String(error) }));
    return unavailable(
      timeout.signal.aborted ? `no answer in ${patience / 1000} seconds` : "the connection could not be made, or was lost",
    );
  } finally {
    clearTimeout(timer);
  }
}

async function ask(settings: CloudflareIce, signal: AbortSignal): Promise<IceAnswer | IceUnavailable> {
  const { apiToken, ttl } = settings;
  const headers = { Authorization: `Bearer ${apiToken}`, "Content-Type": "application/json" };
  const init = { method: "POST", headers, body: JSON.stringify({ ttl }), redirect: "manual", signal } as const;
  const answer = await fetch(credentialsUrl(settings), init);
  if (answer.status !== 200 && answer.status !== 201) {
    await answer.body?.cancel();
    return unavailable(`it answered with the status ${answer.status}`);
  }
  const text = await boundedText(answer, maxSize);
  const servers = text === undefined ? undefined : readCloudflareAnswer(text);
  return servers === undefined ? unavailable("its answer is not a list of ICE servers") : { kind: "servers", servers, ttl };
}

function unavailable(why: string): IceUnavailable {
  return { kind: "unavailable", why };
}
