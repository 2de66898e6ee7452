import { type CallRecord, startIn } from "../../lib/proxy/call-record/call-record.ts";
import { CallStore } from "../../platform/directory/call-store.ts";
import { Store } from "../../platform/directory/store.ts";
import type { Environment } from "../../platform/environment.ts";
import { Problem } from "./problem.ts";

/** @throws 404 if this server has no such domain */
export async function requireDomain({ DIRECTORY }: Pick<Environment, "DIRECTORY">, domain: string): Promise<void> {
  if (!(await new Store(DIRECTORY).hasDomain(domain))) throw new Problem(404, `there is no domain ${domain}`);
}

/** @throws 404 if the domain has no such record */
export async function existingRecord({ DIRECTORY }: Pick<Environment, "DIRECTORY">, domain: string, id: string): Promise<CallRecord> {
  const started = startIn(id);
  const record = started === undefined ? undefined : await new CallStore(DIRECTORY).find(domain, started, id);
  if (record === undefined) throw new Problem(404, `there is no call ${id} in ${domain}: its record is written when it is over`);
  return record;
}
