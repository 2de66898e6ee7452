import { type Account, askApi } from "./account.ts";
import type { PushParameters } from "./push-parameters.ts";

/** Why a page cannot be woken. */
export type PushFault = "unsupported" | "denied" | "not offered" | "failed";

/** Whether the browser can be woken at all. */
export function supportsPush(): boolean {
  return "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
}

/**
 * Makes this browser a device that push notifications wake, and asks the user for the permission.
 * @param worker the path of the service worker, of the page's own origin
 */
export async function subscribeToPush(account: Account, worker: string): Promise<PushParameters | PushFault> {
  if (!supportsPush()) return "unsupported";
  if ((await Notification.requestPermission()) !== "granted") return "denied";
  try {
    const key = await serverKey(account);
    if (key === undefined) return "not offered";
    await navigator.serviceWorker.register(worker);
    const { pushManager } = await navigator.serviceWorker.ready;
    return parametersOf(await subscription(pushManager, key));
  } catch {
    // No push service, or no server: the user is told, and the phone works as long as its page is open.
    return "failed";
  }
}

/** The key that subscriptions are bound to (RFC 8292 §3.2); undefined if the domain does not use Web Push. */
async function serverKey(account: Account): Promise<string | undefined> {
  const answer = await askApi(account, "/push-services");
  if (!answer.ok) return undefined;
  const { services } = (await answer.json()) as { services: readonly { provider: string; public_key?: string }[] };
  return services.find(({ provider }) => provider === "webpush")?.public_key;
}

/** One with another key is of no use. */
async function subscription(manager: PushManager, key: string): Promise<PushSubscription> {
  const known = await manager.getSubscription();
  const knownKey = known?.options.applicationServerKey;
  if (known !== null && knownKey !== null && knownKey !== undefined && base64Url(knownKey) === key) return known;
  await known?.unsubscribe();
  return manager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
}

function parametersOf(made: PushSubscription): PushParameters | "failed" {
  const { endpoint, keys = {} } = made.toJSON();
  const { p256dh, auth } = keys;
  if (endpoint === undefined || p256dh === undefined || auth === undefined) return "failed";
  return { "pn-provider": "webpush", "pn-prid": `"${endpoint}"`, "x-pn-p256dh": p256dh, "x-pn-auth": auth };
}

function base64Url(octets: ArrayBuffer): string {
  const text = btoa(String.fromCharCode(...new Uint8Array(octets)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
