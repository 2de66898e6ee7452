import type { MediaService } from "../../lib/media/media-service.ts";
import { type NgAnswer, type NgCommand, readNg, writeNg } from "../../lib/media/ng.ts";
import { boundedText } from "../bounded-text.ts";
import { randomText } from "../crypto/random.ts";
import type { Environment } from "../environment.ts";
import { whyUnreachable } from "../web-hook-receiver.ts";

/** Milliseconds until a service has to answer, and octets of its answer. */
const [patience, maxAnswer] = [2000, 131_072] as const;

/** Asks an rtpengine. @throws Error with the reason if it does not answer */
export type AskRtpengine = (service: MediaService, command: NgCommand) => Promise<NgAnswer>;

/** By the NG protocol over HTTP. */
export function rtpengineOf(environment: Environment): AskRtpengine {
  return async ({ url, secret }, command) => {
    const why = await whyUnreachable(environment, url);
    if (why !== undefined) throw new Error(`its URL ${why}`);
    const cookie = randomText();
    const headers = {
      "Content-Type": "application/x-rtpengine-ng",
      ...(secret === "" ? {} : { Authorization: `Bearer ${secret}` }),
    };
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), patience);
    try {
      const body = writeNg(cookie, command);
      const answer = await fetch(url, { method: "POST", headers, body, redirect: "manual", signal: timeout.signal });
      const text = (await boundedText(answer, maxAnswer)) ?? "";
      if (answer.status !== 200) throw new Error(`it answered with the status ${answer.status}`);
      const read = readNg(text, cookie);
      if (read === undefined) throw new Error("its answer is not one of the NG protocol");
      return read;
    } catch (error) {
      throw timeout.signal.aborted ? new Error(`no answer in ${patience / 1000} seconds`) : error;
    } finally {
      clearTimeout(timer);
    }
  };
}
