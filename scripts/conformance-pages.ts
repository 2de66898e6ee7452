import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";

/** What the server does, and the test that shows it. */
export interface Claim {
  readonly claim: string;
  /** Each RFC with its sections, as `RFC 3261 §16.6 step 4, §16.7`, or another specification; none for what no specification asks. */
  readonly rfc: readonly string[];
  /** The source that does it. */
  readonly file: string;
  /** `path › exact title`. */
  readonly test: string;
  /** How far it goes. */
  readonly limit?: string;
}

/** Claims that belong together: a file of `conformance/claims/`. */
export interface Topic {
  readonly topic: string;
  readonly claims: readonly Claim[];
}

/** How far the server goes with an RFC: all that it asks of such a server, a part of it, or only what something else needs. */
export interface RfcState {
  readonly title: string;
  readonly state: "complete" | "partial" | "as needed";
  /** What is not there, or what little there is. */
  readonly leftOut?: string;
}

/** `DEVIATION(…)` in a source. */
export interface Deviation {
  readonly rfc: string;
  readonly file: string;
  readonly reason: string;
}

export const firstPage = "CONFORMANCE.md";
export const folder = "docs/conformance";

const withoutRfc = "without-rfc.md";

const read = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));

export function topics(): readonly Topic[] {
  const files = globSync("conformance/claims/*.json").sort((one, other) => basename(one).localeCompare(basename(other)));
  return files.map((path) => read(path) as Topic);
}

/** By `RFC 3261`, as those that claims have. */
export function rfcStates(): Readonly<Record<string, RfcState>> {
  return read("conformance/rfcs.json") as Readonly<Record<string, RfcState>>;
}

export function deviations(): readonly Deviation[] {
  return read("conformance/deviations.json") as readonly Deviation[];
}

/** `RFC 3261` of `RFC 3261 §16.6`; undefined for what is no RFC. */
export function rfcOf(cited: string): string | undefined {
  return /^RFC \d+/.exec(cited)?.[0];
}

/** The text of each page, by its path. */
export function conformancePages(): ReadonlyMap<string, string> {
  const all = topics();
  const states = Object.entries(rfcStates()).sort(([one], [other]) => numberOf(one) - numberOf(other));
  return new Map([
    [firstPage, first(all, states)],
    ...states.map(([rfc, state]) => [`${folder}/${fileOf(rfc)}`, pageOf(rfc, state, all)] as const),
    [`${folder}/${withoutRfc}`, pageWithout(all)],
  ]);
}

function first(all: readonly Topic[], states: readonly (readonly [rfc: string, RfcState])[]): string {
  const claims = all.flatMap((topic) => topic.claims);
  const rows = states.map(([rfc, { title, state, leftOut = "" }]) => [
    `[${rfc}](${folder}/${fileOf(rfc)})`,
    title,
    state,
    String(claims.filter((one) => isOf(one, rfc)).length),
    leftOut,
  ]);
  const without = claims.filter(isWithout).length;
  return page("Conformance", [
    `What Offhook claims of which RFC: ${claims.length} claims, each with the source that does it and the test that shows it. \`test/house/conformance.test.ts\` checks that these files and tests exist, and that the deviations are those in the code.`,
    "A claim is an entry of a file in `conformance/claims/`, with the exact title of its test (a title with `%s` stands for the rows of its table); `conformance/rfcs.json` says of each RFC what is left out. `npm run conformance` makes this page and those in `docs/conformance/` of them: do not edit the pages.",
    "*Complete*: all that the RFC asks of a server in this role. *Partial*: the last column says what is left out. *As needed*: only what the last column says.",
    table(["RFC", "title", "state", "claims", "what is left out, or what is there"], rows),
    `[Claims without an RFC](${folder}/${withoutRfc}): ${without}. They are about running the server, limits, losses, the API and the softphone. There is no XCAP. What no server of this kind can save: [what cannot survive](docs/design/delivery-and-loss.md#what-cannot-survive).`,
    "## Deviations",
    "Where the server does otherwise than an RFC says, on purpose. The code has `DEVIATION(…)` at these places.",
    table(
      ["deviation", "file", "reason"],
      deviations().map(({ rfc, file, reason }) => [rfc, file, reason]),
    ),
  ]);
}

function pageOf(rfc: string, { title, state, leftOut }: RfcState, all: readonly Topic[]): string {
  const claims = all
    .flatMap((topic) => topic.claims)
    .filter((one) => isOf(one, rfc))
    .sort((one, other) => compareSections(firstSection(one, rfc), firstSection(other, rfc)));
  return page(`${rfc}: ${title}`, [
    `State: ${state}.${leftOut === undefined ? "" : ` ${leftOut}.`}`,
    claimTable(claims),
    `[All RFCs](../../${firstPage})`,
  ]);
}

function pageWithout(all: readonly Topic[]): string {
  const sections = all.flatMap(({ topic, claims }) => {
    const own = claims.filter(isWithout);
    return own.length === 0 ? [] : [`## ${topic}`, claimTable(own)];
  });
  return page("Claims without an RFC", [...sections, `[All RFCs](../../${firstPage})`]);
}

const notice = "<!-- Made by `npm run conformance` of the files in conformance/: do not edit. -->";

function page(title: string, paragraphs: readonly string[]): string {
  return `${[`# ${title}`, notice, ...paragraphs].join("\n\n")}\n`;
}

function claimTable(claims: readonly Claim[]): string {
  return table(
    ["claim", "sections", "file", "test", "limit"],
    claims.map(({ claim, rfc, file, test, limit = "" }) => [claim, rfc.join("; "), file, test, limit]),
  );
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`.replaceAll("|  |", "| |");
  return [line(heads), `|${"---|".repeat(heads.length)}`, ...rows.map(line)].join("\n");
}

function isOf({ rfc }: Claim, name: string): boolean {
  return rfc.some((cited) => rfcOf(cited) === name);
}

function isWithout({ rfc }: Claim): boolean {
  return rfc.every((cited) => rfcOf(cited) === undefined);
}

function fileOf(rfc: string): string {
  return `rfc${numberOf(rfc)}.md`;
}

function numberOf(rfc: string): number {
  return Number(rfc.slice(4));
}

/** `16.6` of `RFC 3261 §16.6 step 4`; "" for the RFC as a whole. */
function firstSection({ rfc }: Claim, name: string): string {
  const cited = rfc.find((one) => rfcOf(one) === name);
  return /§([\dA-Z.]+)/.exec(cited ?? "")?.[1] ?? "";
}

function compareSections(one: string, other: string): number {
  return one.localeCompare(other, "en", { numeric: true });
}
