import { globSync, readFileSync } from "node:fs";

/** An exported function of lib/ that a stranger's text may come to first. */
export interface ListedReader {
  readonly path: string;
  readonly name: string;
  readonly takes: "text" | "frame" | "message";
}

/** Every exported function whose first parameter is a text, a frame or a message, as the sources declare it. */
export function listReaders(): readonly ListedReader[] {
  return globSync("lib/**/*.ts").flatMap((path) =>
    [...readFileSync(path, "utf8").matchAll(/^export function (\w+)(?:<[^(]*>)?\(\s*\w+\??: ([^,)]+)/gm)].flatMap(
      ([, name = "", type = ""]) => {
        const takes = takenBy(type.trim());
        return takes === undefined ? [] : [{ path, name, takes }];
      },
    ),
  );
}

function takenBy(type: string): ListedReader["takes"] | undefined {
  if (/^string\b(?!\[)/.test(type)) return "text";
  if (type === "Frame") return "frame";
  return ["Message", "Request", "Response"].includes(type) ? "message" : undefined;
}
