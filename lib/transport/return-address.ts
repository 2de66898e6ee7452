import type { BranchId, FlowId, HomeName, PhoneId, TransactionId } from "./identifiers.ts";

/**
 * Where responses to a request go, as it is written in envelopes, rows and tokens: a home, and there a phone or something that has sent a
 * request of its own. Only this file knows what the texts mean: others make an address with these functions, and read it with `takerOf`.
 */
export interface ReturnAddress {
  readonly home: HomeName;
  /** One of its connections, "" if it is not for a phone. */
  readonly flow: FlowId;
  /** The phone there, in case that connection is gone. */
  readonly phone: PhoneId;
  /** What has sent the request, if it is no phone. */
  readonly branch?: string;
}

/** Who takes the responses at their home. */
export type ResponseTaker =
  | { readonly kind: "phone"; readonly flow: FlowId; readonly phone: PhoneId }
  /** A response context that has forwarded the request. */
  | { readonly kind: "context"; readonly transaction: TransactionId; readonly index: number }
  | SenderInside;

/** A sender inside a home: by its kind, and what it calls the request. */
export interface SenderInside {
  readonly kind: "notifier" | "list notifier" | "list subscriber" | "hang-up" | "application" | "third party" | "transfer";
  readonly id: string;
}

/** How the branch of each begins. No name of a transaction begins so. */
const prefixes: Readonly<Record<SenderInside["kind"], string>> = {
  notifier: "!",
  "list notifier": "%l",
  "list subscriber": "%b",
  "hang-up": "bye.",
  application: "app.",
  "third party": "3p.",
  transfer: "tr.",
};

const kinds = Object.keys(prefixes) as SenderInside["kind"][];

export function returnToPhone(home: HomeName, flow: FlowId, phone: PhoneId): ReturnAddress {
  return { home, flow, phone };
}

/** @param branch of a response context of that home (`branchName`) */
export function returnToContext(home: HomeName, branch: BranchId): ReturnAddress {
  return { home, flow: "", phone: "", branch };
}

/** @param phone the name of the sender in dialogs, if it has one */
export function returnInside(home: HomeName, { kind, id }: SenderInside, phone: PhoneId = ""): ReturnAddress {
  return { home, flow: "", phone, branch: `${prefixes[kind]}${id}` };
}

/** The sender waits for the receipt, and takes no other response: it is no home. */
export const returnInReceipt: ReturnAddress = { home: "", flow: "", phone: "" };

export function isInReceipt({ home }: ReturnAddress): boolean {
  return home === "";
}

/** Whether a phone, guest or server has sent the request itself. */
export function isFromPhone({ branch }: ReturnAddress): boolean {
  return branch === undefined;
}

export function takerOf({ flow, phone, branch }: ReturnAddress): ResponseTaker {
  if (branch === undefined) return { kind: "phone", flow, phone };
  const kind = kinds.find((one) => branch.startsWith(prefixes[one]));
  if (kind !== undefined) return { kind, id: branch.slice(prefixes[kind].length) };
  return readBranchName(branch);
}

/** The name of a branch of a response context. */
export function branchName(transaction: TransactionId, index: number): BranchId {
  return `${transaction}.${index}`;
}

function readBranchName(branch: BranchId): ResponseTaker & { kind: "context" } {
  const dot = branch.lastIndexOf(".");
  return { kind: "context", transaction: branch.slice(0, dot), index: Number(branch.slice(dot + 1)) };
}

/** The beginning of a token's text whose address is not that of a phone. No name of a flow begins so. */
const ofSender = "#";

/** The lengths of the names of a flow, a phone and a transaction in a token. */
const nameLength = 8;
const transactionLength = 16;

/** The text that is sealed into a branch. */
export function writeReturnAddress({ home, flow, phone, branch }: ReturnAddress, transaction: TransactionId): string {
  return branch === undefined ? `${flow}${phone}${transaction}${home}` : `${ofSender}${branch}\n${home}`;
}

export function readReturnAddress(written: string): ReturnAddress {
  if (written.startsWith(ofSender)) {
    const [branch = "", home = ""] = written.slice(ofSender.length).split("\n");
    return { home, flow: "", phone: "", branch };
  }
  const [phoneAt, homeAt] = [nameLength, 2 * nameLength + transactionLength];
  return { home: written.slice(homeAt), flow: written.slice(0, phoneAt), phone: written.slice(phoneAt, 2 * nameLength) };
}
