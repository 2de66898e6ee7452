import type { PushDevice } from "../../lib/push/push-device.ts";
import type { SentNote } from "../../lib/push/device-note.ts";
import type { ReadPushService } from "../../lib/push/push-service.ts";
import { boundedText } from "../bounded-text.ts";
import { directoryOf } from "../directory/directory.ts";
import type { Environment } from "../environment.ts";
import { whyUnreachable } from "../web-hook-receiver.ts";
import { apnsRequest, isApnsGone } from "./apns.ts";
import { fcmRequest, isFcmGone } from "./fcm.ts";
import type { PushHttpRequest, PushResult } from "./push-result.ts";
import { isWebPushGone, webPushRequest } from "./web-push.ts";

/** Milliseconds until a push notification service has to answer, and octets of its answer. */
const [patience, maxAnswer] = [10_000, 4096] as const;

/** Requests a push notification for a device. It never throws: why it has failed is in the result. */
export type SendPush = (device: PushDevice, note: SentNote, now: number) => Promise<PushResult>;

/** Sends with the services of a domain. */
export function sendPushOf(environment: Environment, domain: string): SendPush {
  return async (device, note, now) => {
    try {
      const services = await directoryOf(environment).pushServices(domain);
      const found = services.find(({ service }) => service.provider === device.provider);
      if (found === undefined) return failed(`the domain does not use ${device.provider} any more`, false);
      if (found.isLost) return failed("no key in SEAL_KEYS opens its secret: PUT the service again", false);
      const request = await requestFor(environment, found, device, note, now);
      if ("kind" in request) return request;
      const why = await whyUnreachable(environment, request.url);
      return why === undefined ? await send(request, device) : failed(`its URL ${why}`, false);
    } catch (error) {
      console.error(JSON.stringify({ note: "a push notification could not be sent", domain, error: String(error) }));
      return failed("it could not be sent", true);
    }
  };
}

function requestFor(
  environment: Environment,
  { service }: ReadPushService,
  device: PushDevice,
  note: SentNote,
  now: number,
): Promise<PushHttpRequest | PushResult> {
  switch (service.provider) {
    case "webpush":
      return webPushRequest(service, device, note, now);
    case "fcm":
      return fcmRequest(environment, service, device, note, now);
    case "apns":
      return apnsRequest(service, device, note, now);
  }
}

async function send({ url, headers, body }: PushHttpRequest, { provider }: PushDevice): Promise<PushResult> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), patience);
  try {
    const answer = await fetch(url, { method: "POST", headers, body, redirect: "manual", signal: timeout.signal });
    const text = (await boundedText(answer, maxAnswer)) ?? "";
    const { status } = answer;
    if (status >= 200 && status < 300) return { kind: "sent", status };
    const isGone = { webpush: isWebPushGone, fcm: isFcmGone, apns: isApnsGone }[provider];
    if (isGone(status, text)) return { kind: "gone", status };
    return failed(`it answered with the status ${status}`, status >= 500 || status === 429);
  } catch (error) {
    console.error(JSON.stringify({ note: "a push notification service could not be reached", provider, error: String(error) }));
    return failed(
      timeout.signal.aborted ? `no answer in ${patience / 1000} seconds` : "the connection could not be made, or was lost",
      true,
    );
  } finally {
    clearTimeout(timer);
  }
}

function failed(why: string, isPassing: boolean): PushResult & { readonly kind: "failed" } {
  return { kind: "failed", why, isPassing };
}
