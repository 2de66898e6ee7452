import { type Configuration, readConfiguration } from "../platform/configuration.ts";
import { Store } from "../platform/directory/store.ts";
import type { Environment } from "../platform/environment.ts";
import { oneInIsolate } from "../platform/isolate.ts";

/** Milliseconds that a result is used again: anyone may ask, and the database is shared by all. */
const usedFor = 5000;

interface Last {
  at: number;
  problems: Promise<readonly string[]>;
}

const lastOf = oneInIsolate((): Last => ({ at: Number.NEGATIVE_INFINITY, problems: Promise.resolve([]) }));

/** `/health` for monitors: whether the server can work, and what is wrong. 200, or 503. It tells nothing else: anyone may ask. */
export async function health(environment: Environment, now: number): Promise<Response> {
  const last = lastOf(environment);
  if (now - last.at >= usedFor) Object.assign(last, { at: now, problems: problemsOf(environment) });
  const problems = await last.problems;
  const body = { status: problems.length === 0 ? "ok" : "failing", problems };
  return Response.json(body, { status: problems.length === 0 ? 200 : 503, headers: { "Cache-Control": "no-store" } });
}

async function problemsOf(environment: Environment): Promise<readonly string[]> {
  return [...problemsOfSettings(environment), ...(await problemsOfDatabase(environment))];
}

function problemsOfSettings(environment: Environment): readonly string[] {
  let configuration: Configuration;
  try {
    configuration = readConfiguration(environment);
  } catch (error) {
    // The message may have the value of the setting.
    console.error(JSON.stringify({ note: "a setting is wrong", error: String(error) }));
    return ["A setting is wrong: the log says which."];
  }
  return configuration.sealKeys.length === 0 ? ["The secret SEAL_KEYS is not set, so phones cannot connect."] : [];
}

async function problemsOfDatabase({ DIRECTORY }: Environment): Promise<readonly string[]> {
  try {
    const isComplete = await new Store(DIRECTORY).hasTables();
    return isComplete ? [] : ["The database lacks tables: npx wrangler d1 migrations apply offhook --remote"];
  } catch (error) {
    console.error(JSON.stringify({ note: "the directory cannot be reached", error: String(error) }));
    return ["The database cannot be reached. Users that were seen in the last hours can still call."];
  }
}
