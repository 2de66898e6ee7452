/**
 * How a trunk writes telephone numbers: `e164` as `+4930123`, `plain` without the plus, or as dialled in a country: `030123`, `0015551234`.
 */
export type NumberFormat = "e164" | "plain" | NationalFormat;

export interface NationalFormat {
  /** Without a plus: `49`. */
  readonly country_code: string;
  /** Before a number of the same country: `0`. */
  readonly prefix: string;
  /** Before the country code of another country: `00`. */
  readonly international_prefix: string;
}

/** Whether a user part is a telephone number, in any of these forms. */
export function isNumber(user: string): boolean {
  return /^\+?\d+$/.test(user);
}

/** A user part as the trunk expects it. Numbers without a plus, and other texts, stay as they are. */
export function numberTowards(format: NumberFormat, user: string): string {
  if (format === "e164" || !/^\+\d+$/.test(user)) return user;
  const digits = user.slice(1);
  if (format === "plain") return digits;
  const { country_code, prefix, international_prefix } = format;
  return digits.startsWith(country_code) ? `${prefix}${digits.slice(country_code.length)}` : `${international_prefix}${digits}`;
}

/** A user part from the trunk in its international form (E.164, with a plus). A number in that form, or another text, stays as it is. */
export function numberFrom(format: NumberFormat, user: string): string {
  if (format === "e164" || !/^\d+$/.test(user)) return user;
  if (format === "plain") return `+${user}`;
  const { country_code, prefix, international_prefix } = format;
  if (international_prefix !== "" && user.startsWith(international_prefix)) return `+${user.slice(international_prefix.length)}`;
  return user.startsWith(prefix) ? `+${country_code}${user.slice(prefix.length)}` : user;
}
