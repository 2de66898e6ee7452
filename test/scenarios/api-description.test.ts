import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { eventTypes } from "../../lib/web-hooks/web-hook.ts";
import { api } from "../../workers/api/api.ts";

interface Schema {
  readonly description?: string;
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly { readonly name: string; readonly description?: string; readonly schema?: Schema }[];
  readonly requestBody?: Body;
  readonly responses: Readonly<Record<string, Body & { readonly description?: string }>>;
}

interface Body {
  readonly content?: Readonly<Record<string, { readonly schema: Schema }>>;
}

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly webhooks: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const text = await (await api.request("/openapi.json")).text();
const { paths, webhooks, components }: Description = JSON.parse(text);
const operations = Object.entries({ ...paths, ...webhooks }).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ what: `${method} ${path}`, operation })),
);

/** The members of a schema, each with the way to it, also those of schemas within. */
function membersOf(schema: Schema, way: string): { readonly way: string; readonly member: Schema }[] {
  const within = [
    ...(schema.anyOf ?? []),
    ...(schema.oneOf ?? []),
    ...(schema.allOf ?? []),
    ...(schema.items === undefined ? [] : [schema.items]),
  ];
  return [
    ...Object.entries(schema.properties ?? {}).flatMap(([name, member]) => [
      { way: `${way}.${name}`, member },
      ...membersOf(member, `${way}.${name}`),
    ]),
    ...within.flatMap((one) => membersOf(one, way)),
  ];
}

/** A member that is a schema of its own is described there. */
const isDescribed = ({ description, $ref, allOf = [] }: Schema): boolean =>
  (description ?? "") !== "" || [$ref, ...allOf.map((one) => one.$ref)].some((name) => name !== undefined && isDescribed(schemaAt(name)));
const schemaAt = (reference: string): Schema => components.schemas[reference.slice(reference.lastIndexOf("/") + 1)] ?? {};

describe("the description of the API", () => {
  it("has an operationId, a summary and a group for every operation, and each operationId once", () => {
    for (const { what, operation } of operations) {
      expect([what, operation.operationId, operation.summary, operation.tags?.length]).toEqual([
        what,
        expect.stringMatching(/^[a-z][A-Za-z]+$/),
        expect.stringMatching(/^[A-Z].*[^.]$/),
        1,
      ]);
    }
    expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(operations.length);
  });

  it("has what is sent to web hooks, for each type of event", () => {
    expect(Object.keys(webhooks).sort()).toEqual(eventTypes.toSorted());
  });

  it("describes every parameter and every member of what is sent and answered", () => {
    const parameters = operations.flatMap(({ what, operation }) =>
      (operation.parameters ?? []).map(({ name, description, schema }) => ({
        way: `${what}?${name}`,
        member: { ...schema, ...(description === undefined ? {} : { description }) },
      })),
    );
    const bodies = operations.flatMap(({ what, operation }) =>
      [operation.requestBody ?? {}, ...Object.values(operation.responses)].flatMap((body) =>
        Object.values(body.content ?? {}).flatMap(({ schema }) => membersOf(schema, what)),
      ),
    );
    const named = Object.entries(components.schemas).flatMap(([name, schema]) => membersOf(schema, name));
    const all = [...parameters, ...bodies, ...named];
    expect(all.length).toBeGreaterThan(150);
    expect(all.filter(({ member }) => !isDescribed(member)).map(({ way }) => way)).toEqual([]);
  });
});

describe("a linter of others (Redocly's recommended rules)", () => {
  const folder = mkdtempSync(join(tmpdir(), "offhook-api-"));
  afterAll(() => rmSync(folder, { recursive: true }));

  const lint = (description: string): { readonly status: number | null; readonly problems: unknown[] } => {
    const file = join(folder, "openapi.json");
    writeFileSync(file, description);
    const { status, stdout } = spawnSync("node_modules/.bin/redocly", ["lint", file, "--extends", "recommended", "--format", "json"], {
      encoding: "utf8",
      env: { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true", CI: "true" },
    });
    const { problems }: { problems: { ruleId: string; message: string; location: { pointer?: string }[] }[] } = JSON.parse(stdout);
    return { status, problems: problems.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer]) };
  };

  it("finds nothing to say of the description", () => {
    expect(lint(text)).toEqual({ status: 0, problems: [] });
  });

  it("would say something of a worse one", () => {
    const worse = text.replace('"summary":"List the domains",', "");
    expect(worse).not.toBe(text);
    expect(lint(worse).problems).not.toEqual([]);
  });
});
