/** Messages that wait for the user, new and old. */
export interface WaitingMessages {
  readonly text: number;
  readonly voice: { readonly unread: number; readonly read: number };
}

/** RFC 3842 §5.2. */
export function messageSummary(account: string, { text, voice }: WaitingMessages): string {
  const isWaiting = text + voice.unread > 0;
  const lines = [
    `Messages-Waiting: ${isWaiting ? "yes" : "no"}`,
    `Message-Account: ${account}`,
    ...(voice.unread + voice.read > 0 ? [`Voice-Message: ${voice.unread}/${voice.read}`] : []),
    ...(text > 0 ? [`Text-Message: ${text}/0`] : []),
  ];
  return `${lines.join("\r\n")}\r\n`;
}
