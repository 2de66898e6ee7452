/** The columns of an exported call: members of its record. */
const columns = [
  ...["id", "call_id", "started", "rang", "answered", "ended", "seconds", "outcome", "status", "reason", "why", "ended_by"],
  ...["caller", "callee", "from", "to", "dialled", "forwarded", "trunk", "caller_device"],
] as const;

/** The first line. */
export const csvHeader = `${columns.join(",")}\r\n`;

/** The line of a call. */
export function csvRow(record: Readonly<Record<string, unknown>>): string {
  return `${columns.map((column) => cell(record[column])).join(",")}\r\n`;
}

/**
 * Spreadsheets would run what begins as a formula: callers must not write into them. A spreadsheet may take a semicolon, a bar or a tab for
 * the end of a cell.
 */
function cell(value: unknown): string {
  const text = Array.isArray(value) ? value.join(" ") : String(value ?? "");
  const safe = text.replace(/(^|[;|\t\r\n])(?=[ "]*[=+\-@]|[\t\r])/g, "$1'");
  return /[",;|\t\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
