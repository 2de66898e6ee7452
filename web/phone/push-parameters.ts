/** The parameters of the Contact that a device for push notifications has (RFC 8599 §8.7). */
export type PushParameters = Readonly<Record<string, string>>;
