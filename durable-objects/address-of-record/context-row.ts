import type { CallNotes } from "../../lib/proxy/call-record/call-notes.ts";
import type { ResponseContext } from "../../lib/proxy/response-context/context.ts";
import { alter } from "../../lib/syntax/alter.ts";
import type { Request } from "../../lib/syntax/message.ts";
import { toOctets } from "../../lib/syntax/octets.ts";
import { type Members, type Names, renamed } from "../../lib/transport/older-shapes.ts";
import { decodeBinary, encodeBinary } from "../../platform/bytes.ts";
import { storedShape } from "../../platform/stored-shape.ts";
import { parsed } from "../shared/reparse.ts";

/** The names of members of a context, its branches and its search in the first release. */
const contextNames: Names = [["owed", "unconfirmed"]];
const branchNames: Names = [
  ["passed", "serversTried"],
  ["isSpent", "isReplaced"],
];
const searchNames: Names = [
  ["onAbsence", "onUnregistered"],
  ["trail", "forwardingTrail"],
];
const retargetNames: Names = [
  ["keepsAddress", "keepsRequestUri"],
  ["isAllowed", "skipsCallOutCheck"],
];

/** A context as its row has it. */
interface StoredContext extends ResponseContext {
  readonly call?: CallNotes;
}

export const contextShape = storedShape<StoredContext>(({ branches, search, ...context }) => ({
  ...renamed(context, contextNames),
  branches: (branches as readonly Members[]).map((branch) => withRetarget(renamed(branch, branchNames))),
  ...(search === undefined ? {} : { search: upgradeSearch(search as Members) }),
}));

function upgradeSearch(search: Members): Members {
  const waiting = search["waiting"] as readonly (readonly Members[])[];
  return { ...renamed(search, searchNames), waiting: waiting.map((group) => group.map(withRetarget)) };
}

function withRetarget(target: Members): Members {
  const retarget = target["retarget"] as Members | undefined;
  return retarget === undefined ? target : { ...target, retarget: renamed(retarget, retargetNames) };
}

/** What ACK and CANCEL are made of. */
export function withoutBody(request: Request): string {
  const text = alter(request, { remove: ["content-length", "content-type"], append: [["Content-Length", "0"]] });
  return text.slice(0, text.length - (request.text.length - request.bodyAt));
}

/** A request as its row has it. SQLite text ends at a NUL: a message that has one is stored as base64. */
export function storeRequest(text: string): string {
  return text.includes("\0") ? `b${Buffer.from(encodeBinary(text)).toString("base64")}` : `o${text}`;
}

/** A row of an older build has the text of a text frame, after a `t`. */
export function restoreRequest(stored: string): Request {
  const text = stored.slice(1);
  if (stored.startsWith("b")) return parsed(decodeBinary(new Uint8Array(Buffer.from(text, "base64")).buffer));
  return parsed(stored.startsWith("t") ? toOctets(text) : text);
}
