-- The records of calls that are over, of each domain of their users: JSON, as lib/proxy/call-record/call-record.ts has it.
-- The time first, so that a page of the newest calls, and the deletion of old ones, read nothing else; the id makes repetitions harmless.
CREATE TABLE calls (
  domain TEXT NOT NULL,
  started INTEGER NOT NULL,
  id TEXT NOT NULL,
  caller TEXT NOT NULL,
  callee TEXT NOT NULL,
  outcome TEXT NOT NULL,
  record TEXT NOT NULL,
  PRIMARY KEY (domain, started, id)
) WITHOUT ROWID;
