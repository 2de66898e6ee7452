const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** An RFC 1123 date in GMT, as RFC 3261 §20.17 requires; milliseconds since 1970. */
export function serialiseDate(time: number): string {
  const second = Math.floor(time / 1000);
  if (second !== last.second) last = { second, text: write(time) };
  return last.text;
}

/** Kept because many dates are written within one second. */
let last = { second: Number.NaN, text: "" };

function write(time: number): string {
  const date = new Date(time);
  const two = (number: number) => String(number).padStart(2, "0");
  const clock = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(":");
  return `${days[date.getUTCDay()]}, ${two(date.getUTCDate())} ${months[date.getUTCMonth()]} ${date.getUTCFullYear()} ${clock} GMT`;
}

/** Milliseconds since 1970; undefined if it is not an RFC 1123 date in GMT. */
export function parseDate(text: string): number | undefined {
  const match = /^[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/.exec(text);
  if (match === null) return undefined;
  const [, day, month = "", year, hour, minute, second] = match;
  const time = Date.UTC(Number(year), months.indexOf(month), Number(day), Number(hour), Number(minute), Number(second));
  return serialiseDate(time) === text ? time : undefined;
}
