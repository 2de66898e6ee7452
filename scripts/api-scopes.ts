import { writeFileSync } from "node:fs";
import { api } from "../workers/api/api.ts";
import { type Description, apiScopesPage, page } from "./api-scopes-page.ts";

/** `npm run api-scopes`: makes docs/api-scopes.md of the table of operations and their scopes. */
const description: Description = await (await api.request("/openapi.json")).json();
writeFileSync(page, apiScopesPage(description));
console.log(page);
