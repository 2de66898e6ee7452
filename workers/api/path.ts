/** The path of a request, without the prefix of the API. */
export function pathInApi(url: string): string {
  return new URL(url).pathname.replace(/^\/api\/v1/, "");
}
