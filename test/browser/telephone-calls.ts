import { expect } from "vitest";
import type { Telephone } from "../support/baresip.ts";
import type { BrowserPhone } from "./browser-phone.ts";

export const userOf = (address: string): string => address.split("@")[0] ?? "";

/** A telephone calls a browser, which answers. */
export async function callsBack(desk: Telephone, phone: BrowserPhone): Promise<void> {
  await desk.callsBack(userOf(phone.address));
  await phone.becomes("ringing");
  await phone.does("answer");
  await desk.happens("talks");
  await phone.hearsTone();
}

/** Both hear; the browser holds the call and takes it up again. */
export async function holdsAndResumes(desk: Telephone, phone: BrowserPhone): Promise<void> {
  await phone.hearsTone();
  await expect.poll(() => desk.loudness()).toBeGreaterThan(0.01);
  await phone.does("hold");
  await desk.happens("is held");
  await phone.does("resume");
  await phone.hearsTone();
}
