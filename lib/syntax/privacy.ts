import { type Message, hasHeader, headerValues } from "./message.ts";

/** Whether the sender asks for one of these kinds of privacy (RFC 3323 §4.2; `id` by RFC 3325 §9.3). */
export function wantsPrivacy(message: Message, kinds: readonly string[]): boolean {
  if (!hasHeader(message, "privacy")) return false;
  const wanted = headerValues(message, "privacy").flatMap((value) => value.toLowerCase().split(/[;\s]+/));
  return kinds.some((kind) => wanted.includes(kind));
}
