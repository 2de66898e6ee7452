import { useHashLocation } from "wouter-preact/use-hash-location";

/**
 * The location of a page, behind the `#`, with its escapes. The router undoes some of the escapes in what it is given, so that a name would be
 * decoded twice: here every `%` is escaped once more before.
 */
export function useWrittenLocation(): ReturnType<typeof useHashLocation> {
  const [path, go] = useHashLocation();
  return [path.replaceAll("%", "%25"), go];
}

useWrittenLocation.hrefs = (path: string): string => `#${path}`;

/** A name in a path, without its escapes; as it is if an address was typed that has a `%` of its own. */
export function nameIn(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    return part;
  }
}
