import { describe, expect, test } from "vitest";
import { receive } from "../support/sip.ts";
import { growsTooFast } from "./growth.ts";
import { type ListedReader, listReaders } from "./listed-readers.ts";
import { behindTheFirst, writers } from "./other-arguments.ts";

/** What makes expressions and loops work hardest when it is repeated, behind what leads a reader to it and before what disappoints it. */
const units = [
  ..."1aA -.,;:&=%?/[]()<>\"'\\@#*+!|{}~_\té",
  ...[
    "\r\n",
    "\r\n ",
    "%41",
    ";a",
    ";a=1",
    ",a",
    "<a>",
    "<a ",
    "a=b ",
    "&amp;",
    "\\\\",
    "::",
    "[a",
    "[1]",
    "1.",
    "a/",
    "(((",
    "<!--",
    "<![CDATA[",
    " ;",
    " ,",
  ],
];
const beginnings = ["", "tel:", "tel:+", "sip:", "sip:a@", "Digest a", '"', "<", "SIP/2.0/WS a", "active;a", "a="];
const worst = beginnings.flatMap((beginning) => units.map((unit) => [beginning, unit] as const));

/** Characters of the shorter texts; the longer ones have four times as many. */
const shortest = 2500;

const headers = [
  ...["Contact", "Route", "Require", "Supported", "Accept", "Event", "Subscription-State", "Authorization", "Proxy-Authorization"],
  ...["Accept-Contact", "Reject-Contact", "Request-Disposition", "History-Info", "Privacy", "Session-Expires", "Min-SE", "Replaces"],
  ...["Content-Type", "Expires", "Path", "Refer-To", "P-Asserted-Identity", "Identity", "Remote-Party-ID"],
];

type Reader = (first: unknown, ...others: readonly unknown[]) => unknown;

/** What a reader is given that takes the text as it is, as a frame, or as the value of each header. */
function given(takes: ListedReader["takes"], text: string): unknown {
  if (takes === "text") return text;
  if (takes === "frame") return text;
  // No message with a NUL in a header comes as far as its readers.
  const value = text.replaceAll(/[\r\n]+/g, "").replaceAll("\0", "\u0001");
  return receive("INVITE sip:bob@example.com", ...headers.map((name) => `${name}: ${value}`)).request;
}

async function readerOf({ path, name }: ListedReader): Promise<Reader> {
  const module = (await import(`../../../../${path}`)) as Record<string, Reader>;
  const read = module[name] as Reader;
  return (first) => read(first, ...(behindTheFirst[name] ?? []));
}

/** The texts that one of the readers spends too much on, with its name. */
async function tooMuchFor(readers: readonly ListedReader[], takes: ListedReader["takes"]): Promise<string[]> {
  const read = await Promise.all(readers.map(async (listed) => [listed.name, await readerOf(listed)] as const));
  return worst.flatMap(([beginning, unit]) => {
    const input = (times: number) => given(takes, `${beginning}${unit.repeat((times * shortest) / unit.length)}\0`);
    const large = input(4);
    return read.flatMap(([name, reader]) => {
      const small = () => () => void reader(input(1));
      return growsTooFast(() => void reader(large), small) ? [`${name} of ${beginning}${unit}`] : [];
    });
  });
}

describe("no reader of a stranger's text does more than linear work", () => {
  const readers = listReaders().filter(({ name }) => !writers.includes(name));
  const textReaders = readers.filter(({ takes }) => takes !== "message");
  const messageReaders = readers.filter(({ takes }) => takes === "message");

  test("the readers are found, and what is listed by hand exists", () => {
    expect(textReaders.length).toBeGreaterThan(50);
    expect(messageReaders.length).toBeGreaterThan(30);
    const names = listReaders().map(({ name }) => name);
    expect([...writers, ...Object.keys(behindTheFirst)].filter((name) => !names.includes(name))).toEqual([]);
  });

  test.each(textReaders)("$path › $name", async (listed) => {
    expect(await tooMuchFor([listed], listed.takes)).toEqual([]);
  });

  test("of the headers of a message", async () => {
    expect(await tooMuchFor(messageReaders, "message")).toEqual([]);
  });
});
