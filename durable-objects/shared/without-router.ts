import type { ReachableTarget } from "../../lib/proxy/response-context/context.ts";
import { addressTarget } from "../../lib/proxy/response-context/search.ts";
import { type Fault, fault, isFault } from "../../lib/syntax/fault.ts";
import type { RoutedCall } from "../../lib/transport/routed-call.ts";
import { available } from "../../platform/directory/available.ts";
import { userOfHome } from "../../platform/directory/directory.ts";
import { type RedirectTarget, type Selecting, type Target, noRelay, selectTarget, selectTargetForTrunk } from "./target-selection.ts";

/** The branch of a call that goes as without a router; and the address of the called user, if it is one. */
export interface Continued {
  readonly kind: "branch";
  readonly target: ReachableTarget;
  readonly callee: string | undefined;
}

/**
 * Where a call goes by the routes, users and trunks of the domain.
 * @param domain whose router was asked
 */
export async function targetWithoutRouter(
  by: Pick<Selecting, "directory" | "keyring">,
  call: RoutedCall,
  requestUri: string,
  domain: string,
): Promise<Continued | RedirectTarget | Fault> {
  const target = await selected(by, call, requestUri, domain);
  if (isFault(target) || target.kind === "redirect") return target;
  if (target.kind === "home") {
    const at = target.home.slice(target.home.lastIndexOf("@") + 1, target.home.lastIndexOf("#"));
    const callee = `${userOfHome(target.home)}@${at}`;
    return { kind: "branch", target: addressTarget(`sip:${callee}`, { cause: "router" }), callee };
  }
  // A route of the caller's domain may have appeared meanwhile: its trunk is not one of the domain that was asked.
  if (target.trunk !== undefined && call.by.domain !== domain) return noRelay;
  const { uri, kind: _kind, ...how } = target;
  return { kind: "branch", target: addressTarget(uri, { cause: "router", ...how }), callee: undefined };
}

function selected(
  { directory, keyring }: Pick<Selecting, "directory" | "keyring">,
  call: RoutedCall,
  requestUri: string,
  domain: string,
): Promise<Target | Fault> {
  const { trunk: name, dialled, written = dialled, by, caller, isNonSubscriber = false } = call;
  const address = { user: dialled, domain, instance: undefined, registration: undefined };
  if (name === undefined) {
    return selectTarget({ directory, keyring, home: by }, { method: "INVITE", requestUri, address, caller, isNonSubscriber });
  }
  return available(async () => {
    const trunk = (await directory.trunks(domain)).find((one) => one.name === name);
    if (trunk === undefined) return fault(500, "the trunk no longer exists");
    return selectTargetForTrunk({ directory, keyring }, { trunk, caller, method: "INVITE", dialled: written });
  });
}
