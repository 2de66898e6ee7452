import { type Request, bodyOf, headerValue } from "../syntax/message.ts";

/** A key that a phone was told to press. */
export interface PressedKey {
  /** 0 to 9, *, # or A to D. */
  readonly code: string;
  /** Milliseconds. */
  readonly duration: number;
}

/** Milliseconds: what phones send if nothing else is said, and what a media service is asked for at most. */
const [usualDuration, minDuration, maxDuration] = [250, 40, 5000] as const;
/** Characters that are read of a body. */
const maxBody = 200;

/**
 * The key in the body of an INFO, as most phones write it (no RFC defines these types): `Signal=5` and `Duration=160` in
 * `application/dtmf-relay`, the key alone in `application/dtmf`. Undefined if there is none, or several.
 */
export function keyInInfo(request: Request): PressedKey | undefined {
  if (request.method !== "INFO") return undefined;
  const type = headerValue(request, "content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  const body = bodyOf(request).slice(0, maxBody);
  if (type === "application/dtmf") return pressed(body);
  if (type !== "application/dtmf-relay") return undefined;
  const lines = body.split(/\r\n|\n/).map((line) => line.split("=", 2).map((part) => part.trim()));
  const valueOf = (name: string) => lines.find(([written]) => written?.toLowerCase() === name)?.[1];
  return pressed(valueOf("signal") ?? "", valueOf("duration"));
}

function pressed(written: string, duration = ""): PressedKey | undefined {
  const code = written.trim().toUpperCase();
  if (!/^[0-9*#A-D]$/.test(code)) return undefined;
  const milliseconds = /^\d{1,6}$/.test(duration) ? Number(duration) : usualDuration;
  return { code, duration: Math.min(maxDuration, Math.max(minDuration, milliseconds)) };
}
