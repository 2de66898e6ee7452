import { benchBirths } from "./births.ts";
import { benchCrowd } from "./crowd.ts";
import { ensureInstalled } from "./installed.ts";
import { benchLists } from "./lists.ts";
import { benchPresence } from "./presence.ts";
import { benchProfile } from "./profile.ts";
import { benchServer } from "./server.ts";

/**
 * `npm run bench`: everything; `-- parsers`, `-- server`, `-- births`, `-- crowd`, `-- presence` or `-- lists` for one of them; with `--check` a missed goal ends it with 1.
 */
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const isWanted = (name: string): boolean => wanted.length === 0 || wanted.includes(name);
let isReached = true;
if (wanted[0] === "profile") {
  await benchProfile(wanted.slice(1));
  process.exit(0);
}
if (isWanted("parsers")) {
  ensureInstalled();
  const { benchParsers } = await import("./parsers.ts");
  isReached = (await benchParsers()) && isReached;
}
if (isWanted("server")) isReached = (await benchServer()) && isReached;
if (isWanted("births")) isReached = (await benchBirths()) && isReached;
if (isWanted("crowd")) isReached = (await benchCrowd()) && isReached;
if (isWanted("presence")) isReached = (await benchPresence()) && isReached;
if (isWanted("lists")) isReached = (await benchLists()) && isReached;
console.log();
if (process.argv.includes("--check") && !isReached) process.exit(1);
