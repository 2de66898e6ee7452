import { type Fault, fault } from "../../lib/syntax/fault.ts";
import { boundedText } from "../bounded-text.ts";
import { readConfiguration } from "../configuration.ts";
import type { Environment } from "../environment.ts";
import { whyUnreachable } from "../web-hook-receiver.ts";
import type { FetchedChain } from "./signers.ts";

/** Milliseconds that a server has at least, and octets of a chain. */
const [minPatience, maxSize] = [3000, 32_768] as const;
/** Seconds that a chain is kept: if the answer does not say, at least, and at most. */
const [usualAge, minAge, maxAge] = [3600, 60, 86_400] as const;

/** Fetches the certificate of a signature (RFC 8224 §7.2), by HTTPS. @returns a fault with status 436 if it cannot be had */
export async function fetchChain(environment: Environment, url: string): Promise<FetchedChain | Fault> {
  // Also if no call waits for it any more: the next one needs it, too.
  const patience = Math.max(minPatience, readConfiguration(environment).verificationTimeout * 1000);
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), patience);
  try {
    const why = (await whyUnreachable(environment, url, "stranger")) ?? whyNotAsked(environment, url);
    if (why !== undefined) return unavailable(why);
    const answer = await fetch(url, { redirect: "manual", signal: timeout.signal });
    if (answer.status !== 200) {
      await answer.body?.cancel();
      return unavailable(`was answered with the status ${answer.status}`);
    }
    const pem = await boundedText(answer, maxSize);
    return pem === undefined ? unavailable(`is longer than ${maxSize} octets`) : { pem, age: ageOf(answer.headers.get("cache-control")) };
  } catch (error) {
    console.error(JSON.stringify({ note: "a certificate could not be fetched", url, error: String(error) }));
    return unavailable(timeout.signal.aborted ? `has not answered in ${patience / 1000} seconds` : "could not be reached");
  } finally {
    clearTimeout(timer);
  }
}

/** Certificates are served at the usual ports for HTTPS (ATIS-1000074): strangers have no other services called. */
function whyNotAsked(environment: Environment, url: string): string | undefined {
  const isUsual = ["", "8443"].includes(URL.parse(url)?.port ?? "");
  return isUsual || readConfiguration(environment).localDevelopment ? undefined : "is at a port other than 443 and 8443";
}

/** The seconds of `max-age`, within limits. */
function ageOf(header: string | null): number {
  const [, written] = /(?:^|[\s,])max-age=(\d{1,9})/i.exec(header ?? "") ?? [];
  return Math.min(maxAge, Math.max(minAge, written === undefined ? usualAge : Number(written)));
}

function unavailable(why: string): Fault {
  return fault(436, `the URL of the certificate ${why}`);
}
