import type { MediaProfile } from "../../lib/media/profile.ts";
import { type Fault, fault } from "../../lib/syntax/fault.ts";

/** What people call the profiles. */
const names: Readonly<Record<MediaProfile, string>> = { webrtc: "WebRTC media", rtp: "plain RTP", "srtp-sdes": "SRTP with SDES keys" };

/** RFC 3261 §20.43: 302 is an incompatible transport protocol. */
export function incompatible(offered: MediaProfile, spoken: MediaProfile, trunk: string): Fault {
  const why = `the phone offers ${names[offered]}, the trunk ${trunk} speaks ${names[spoken]}, and the domain has no media service`;
  return fault(488, why, [["Warning", `302 offhook "${why}"`]]);
}

/** For the answer of a server that has refused a call, perhaps because of its media. */
export const perhapsIncompatible = `302 offhook "the server of the trunk may not speak WebRTC media, and the domain has no media service"`;
