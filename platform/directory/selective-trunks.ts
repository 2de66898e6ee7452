import { type Trunk, readTrunk } from "../../lib/routing/trunk.ts";
import { answerOf } from "./answer-of.ts";

/** Trunks that are read at most. */
const most = 1000;

/** The trunks of all domains that say which numbers they may call; without their secrets. */
export async function readSelectiveTrunks(database: D1Database): Promise<readonly Trunk[]> {
  // As the partial index of migrations/0024_selective_trunks.sql has it.
  const query = database.prepare(`SELECT settings FROM trunks WHERE instr(settings, '_destinations"') > 0 LIMIT ${most}`);
  const { results } = await answerOf(query.all<{ settings: string }>());
  return results.map(({ settings }) => readTrunk(settings));
}
