import { globSync, readFileSync } from "node:fs";

/** A section of an RFC that a text refers to. */
export interface Section {
  readonly rfc: string;
  readonly section: string;
}

export interface Citation extends Section {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

const written = "{*.md,{docs,lib,platform,durable-objects,workers,web,scripts,bench,test}/**/*.{ts,mjs,md,html,xsd}}";
/** Tests of citations have wrong ones. */
const apart = "test/house/citations.test.ts";

/** Every citation in sources, tests and documents that names its RFC, by file and line. */
export function citations(): readonly Citation[] {
  const files = globSync(written).filter((file) => file !== apart && !file.includes("node_modules"));
  return files.flatMap((file) =>
    readFileSync(file, "utf8")
      .split("\n")
      .flatMap((text, index) => citationsIn(text).map((section) => ({ ...section, file, line: index + 1 }))),
  );
}

/** Citations as `RFC 3261 §16.6 step 4, §16.7 and §17`: those behind the first are of the same RFC. */
export function citationsIn(text: string): readonly Section[] {
  return text.split(/(?=RFC \d)/).flatMap((part) => {
    const [, rfc, chain = ""] =
      /^RFC (\d+) (§[\dA-Z][\dA-Z.]*(?:(?: (?:steps?|items?) [\d, a]*\d)?(?:,| and| or| to|\/) ?§[\dA-Z][\dA-Z.]*)*)/.exec(part) ?? [];
    if (rfc === undefined) return [];
    return [...chain.matchAll(/§([\dA-Z]+(?:\.\d+)*)/g)].map(([, section = ""]) => ({ rfc, section }));
  });
}
