import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";
import { isListUser } from "../../lib/presence/resource-list.ts";
import { directoryOf } from "../../platform/directory/directory.ts";
import { type ImportFailure, type ImportedSubscriber, SubscriberImport } from "../../platform/directory/subscriber-import.ts";
import type { ApiEnvironment } from "./actor.ts";
import { type Line, cellsOf, linesOf } from "./lines.ts";
import { firstFault } from "./plain-english.ts";
import { requireDomain } from "./existing.ts";
import { Problem } from "./problem.ts";
import { json, operation, problems } from "./responses.ts";
import { domainParameters, subscriberBody, userName } from "./schemas.ts";

/** Users of one import, and those that are made with one question to the database. */
const [maxUsers, atOnce] = [100_000, 1000];
/** Empty ones count too. */
const maxLines = 2 * maxUsers;
const most = { line: 16_384, all: 67_108_864 };
/** Bad lines that are told. */
const maxTold = 1000;

const rowSchema = subscriberBody.safeExtend({ username: userName });
const failureSchema = z.object({
  line: z.number().openapi({ description: "The line, counted from 1" }),
  problem: z.string().openapi({ description: "What is wrong with it" }),
});
const resultSchema = z
  .object({
    created: z.number().openapi({ description: "Users who were made" }),
    existing: z.number().openapi({ description: "Users who were there already, and were not changed" }),
    failed: z.number().openapi({ description: "Lines that could not be used" }),
    problems: z.array(failureSchema).openapi({ description: `Those lines, the first ${maxTold} of them` }),
  })
  .openapi("ImportResult");
const columns = "username,password,ha1_md5,ha1_sha256,aliases,display_name";
const route = createRoute({
  ...operation("importSubscribers", "Make many users", "Subscribers"),
  ...{ method: "post", path: "/domains/{domain}/subscribers/import", security: [{ bearer: [] }] },
  request: {
    params: domainParameters,
    body: {
      required: true,
      content: {
        "application/x-ndjson": { schema: z.string().openapi({ description: "On each line the body of a PUT of a user, and username" }) },
        "text/csv": {
          schema: z.string().openapi({ description: `A first line of column names, of ${columns}; aliases with spaces between` }),
        },
      },
    },
  },
  responses: { 200: json(resultSchema, "What became of the lines"), ...problems(400, 401, 404, 413, 415, 503) },
});

/** POST /domains/{domain}/subscribers/import. */
export const importRoutes = new OpenAPIHono<ApiEnvironment>();

importRoutes.openapi(route, async (context) => {
  const { domain } = context.req.valid("param");
  await requireDomain(context.env, domain);
  const reader = readerFor(context.req.header("Content-Type") ?? "");
  const body = context.req.raw.body ?? new ReadableStream<Uint8Array>({ start: (stream) => stream.close() });
  const users = new UsersOfLines(new SubscriberImport(context.env.DIRECTORY, domain));
  try {
    const refusal = await users.makeAll(linesOf(body, most), reader);
    if (refusal === undefined) return context.json(users.result, 200);
    const { created, existing, failed } = users.result;
    if (created > 0) context.set("isPartlyDone", true);
    const done = `created: ${created}, existing: ${existing}, failed: ${failed}`;
    throw new Problem(refusal.status, `${refusal.message}; of the lines before it, ${done}`);
  } finally {
    directoryOf(context.env).forget(domain);
  }
});

/** Makes the users of the lines, many with one question to the database. */
class UsersOfLines {
  readonly result = { created: 0, existing: 0, failed: 0, problems: [] as ImportFailure[] };
  readonly #users: SubscriberImport;
  #waiting: ImportedSubscriber[] = [];

  constructor(users: SubscriberImport) {
    this.#users = users;
  }

  /** @returns why it stopped before the end; the users of the lines before are made */
  async makeAll(lines: AsyncIterable<Line>, reader: Reader): Promise<Problem | undefined> {
    let refusal: Problem | undefined;
    try {
      for await (const line of lines) await this.#take(line, reader);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      refusal = error;
    }
    await this.#make();
    return refusal;
  }

  async #take(line: Line, reader: Reader): Promise<void> {
    const read = "problem" in line ? line : reader(line.text, line.line);
    if (line.line > maxLines) throw new Problem(413, `there are more than ${maxLines} lines`);
    if (read === undefined) return;
    const { created, existing, failed } = this.result;
    if (created + existing + failed + this.#waiting.length >= maxUsers)
      throw new Problem(413, `there are more than ${maxUsers} users: line ${line.line} is one too many`);
    if ("problem" in read) this.#fail([read]);
    else this.#waiting.push(read);
    if (this.#waiting.length === atOnce) await this.#make();
  }

  async #make(): Promise<void> {
    if (this.#waiting.length === 0) return;
    const { created, existing, failed } = await this.#users.make(this.#waiting, Date.now());
    this.result.created += created;
    this.result.existing += existing;
    this.#fail(failed);
    this.#waiting = [];
  }

  #fail(failures: readonly ImportFailure[]): void {
    this.result.failed += failures.length;
    this.result.problems.push(...failures.slice(0, maxTold - this.result.problems.length));
  }
}

/** Reads a line; undefined for one without a user: the names of columns, and empty ones. */
type Reader = (text: string, line: number) => ImportedSubscriber | ImportFailure | undefined;

function readerFor(contentType: string): Reader {
  const [type = ""] = contentType.toLowerCase().split(";");
  if (type.trim() === "application/x-ndjson") return (text, line) => (text.trim() === "" ? undefined : checked(parsedJson(text), line));
  if (type.trim() === "text/csv") return csvReader();
  throw new Problem(415, "the body has to be application/x-ndjson or text/csv");
}

function csvReader(): Reader {
  let names: readonly string[] | undefined;
  return (text, line) => {
    if (names === undefined) {
      names = (cellsOf(text) ?? []).map((name) => name.trim());
      const unknown = names.find((name) => !columns.split(",").includes(name));
      if (unknown !== undefined || !names.includes("username")) throw new Problem(400, `the first line has to name columns, of ${columns}`);
      return undefined;
    }
    if (text === "") return undefined;
    const cells = cellsOf(text);
    if (cells?.length !== names.length) return { line, problem: `has not ${names.length} cells, or an open quotation mark` };
    const given = new Map(names.map((name, index) => [name, cells[index] ?? ""]));
    const cell = (name: string) => given.get(name) || undefined;
    const ha1 = { md5: cell("ha1_md5"), sha256: cell("ha1_sha256") };
    return checked(
      {
        username: cell("username"),
        password: cell("password"),
        ...(ha1.md5 === undefined && ha1.sha256 === undefined ? {} : { ha1 }),
        aliases: (cell("aliases") ?? "").split(" ").filter((alias) => alias !== ""),
        ...(cell("display_name") === undefined ? {} : { displayName: cell("display_name") }),
      },
      line,
    );
  };
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

function checked(given: unknown, line: number): ImportedSubscriber | ImportFailure {
  if (given === undefined) return { line, problem: "is not JSON" };
  const read = rowSchema.safeParse(given);
  if (!read.success) return { line, problem: firstFault(read.error) };
  const { username, password, ha1, aliases = [], displayName = null } = read.data;
  if (password === undefined && ha1 === undefined) return { line, problem: "password: a new subscriber needs a password, or ha1" };
  const reserved = [username, ...aliases].find(isListUser);
  if (reserved !== undefined) return { line, problem: `${reserved} is reserved: names that begin with "list." are those of lists` };
  return { line, username, password, ha1, aliases: [...new Set(aliases)].filter((alias) => alias !== username), displayName };
}
