import type { ApiRequest } from "../api.ts";

/** The same request for a terminal: what a form does, a script can do. */
export function Curl({ method, path, body }: ApiRequest) {
  const parts = [
    `curl${method === "GET" ? "" : ` -X ${method}`} -H "Authorization: Bearer $KEY"`,
    ...(body === undefined ? [] : [`  -H "Content-Type: application/json" -d '${JSON.stringify(body).replaceAll("'", String.raw`'\''`)}'`]),
    `  "${location.origin}/api/v1${path}"`,
  ];
  return (
    <details>
      <summary>The same with curl</summary>
      <pre tabIndex={0}>{parts.join(" \\\n")}</pre>
    </details>
  );
}
