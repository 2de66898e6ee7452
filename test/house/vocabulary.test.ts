import { globSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { Visitor, parseSync } from "oxc-parser";
import { describe, expect, it } from "vitest";

/**
 * Words of the first release that the RFCs have others for: home connection, edge proxy, originating, terminating, ingress … (ARCHITECTURE.md).
 * They stand here, and nowhere in identifiers or names of files, so that whoever knows SIP finds each rule by its name.
 */
const words = [
  ...["Leg", "leg", "legs", "LegName", "legTable", "chooseLeg", "Door", "door", "Outgoing", "outgoing", "Incoming", "incoming"],
  ...["Reception", "reception", "Wish", "Wishes", "wishes", "readWish", "readWishes", "Letter", "Letters", "Untried", "PlacedCalls"],
  ...["Unattended", "AwayCalls", "ToldOfList", "toldInstead", "ShownBinding", "ShownDialog", "greet", "farewell", "Visits"],
  ...["recall", "recalling", "usualVia", "Party", "parseParty", "Essentials", "essentials", "readEssentials", "salvage", "examine"],
  ...["isVouched", "planSearch", "planLeaving", "goOn", "conclude", "phoneAppeared", "phoneLost", "appeared", "heir", "inherit"],
  ...["isChoosy", "dull", "informative", "TrunkCare", "takeBack", "standIn", "isIll", "BadServers", "badServers", "Asking", "Asker"],
  ...["asker", "Upkeep", "broughtAlong", "Patience", "Memory", "Clock", "Queues", "Allowance", "Neighbour", "Recorder", "furnish"],
  ...["bury", "vacate", "chance", "drawFor", "Town", "town", "openTown", "Cast", "cast", "stage", "Ears", "createEars", "Desk"],
  ...["speaker", "keepsAddress", "onAbsence", "isSpent", "isForgetful", "forgetsCalls", "introduces", "trail", "owed", "visits", "upkeep"],
  ...["untried", "Away", "presented", "carried"],
];
/** Maximum and minimum. */
const beginnings = /^(?:most|longest|shortest|fewest)[A-Z]/;
/** Of which there is another meaning, and what rows of the first release have. */
const exceptions = new Set(["mostCrowded", "mostInformative", "longestPause"]);

/** One test has what the first release has written. */
const files = globSync("{lib,platform,durable-objects,workers,web,bench,test}/**/*.ts").filter(
  (file) => !file.includes("node_modules") && file !== "test/unit/lib/transport/older-shapes.test.ts",
);

function identifiersOf(file: string): Set<string> {
  const names = new Set<string>();
  const { program } = parseSync(file, readFileSync(file, "utf8"));
  const note = ({ name }: { readonly name: string }): void => void names.add(name);
  new Visitor({ Identifier: note, PrivateIdentifier: note }).visit(program);
  return names;
}

describe("the old words", () => {
  const known = new Set(words);
  const isOld = (name: string): boolean => known.has(name) || (beginnings.test(name) && !exceptions.has(name));

  it("are no identifiers", () => {
    expect(files.length).toBeGreaterThan(500);
    const found = files.flatMap((file) => [...identifiersOf(file)].filter(isOld).map((name) => `${file}: ${name}`));
    expect(found).toEqual([]);
  });

  it("are no names of files", () => {
    const named = (file: string) => basename(file).replace(/(?:\.test)?\.ts$/, "");
    const camel = (name: string) => name.replace(/-([a-z])/g, (_dash, letter: string) => letter.toUpperCase());
    expect(files.filter((file) => isOld(camel(named(file))))).toEqual([]);
  });
});
