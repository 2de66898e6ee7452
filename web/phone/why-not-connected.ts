import { type Account, askApi } from "./account.ts";

/** Who a user is, as the server says. */
export interface Me {
  readonly address: string;
}

export type ConnectionFault = "token" | "origin" | "unreachable" | "none";

type Requester = Pick<Account, "server" | "address" | "credentials">;

/** The user of a token; or why the server does not serve this page. */
export async function whoAmI(account: Requester): Promise<Me | ConnectionFault> {
  const answer = await ask(account);
  if (answer !== undefined) return answer;
  // The browser hides an answer that is not for pages of this origin; without reading it, it can be seen to be there. It may have come
  // back just now, so the question is repeated.
  return (await isThere(account.server)) ? ((await ask(account)) ?? "origin") : "unreachable";
}

/** Undefined if there is no answer that this page may read. */
async function ask(account: Requester): Promise<Me | ConnectionFault | undefined> {
  try {
    const answer = await askApi(account, "/me");
    if (answer.ok) return (await answer.json()) as Me;
    return answer.status === 401 ? "token" : "unreachable";
  } catch {
    return undefined;
  }
}

export async function whyNotConnected(account: Account): Promise<ConnectionFault> {
  const answer = await whoAmI(account);
  return typeof answer === "string" ? answer : "none";
}

function isThere(server: string): Promise<boolean> {
  return fetch(`${server}/health`, { mode: "no-cors", credentials: "omit" }).then(
    () => true,
    () => false,
  );
}
