-- Keys to the API: `hash` is the SHA-256 of the key, in hexadecimal; `domain` is '' for all domains. Times in milliseconds; `expires_at` is NULL
-- for keys that do not expire, `last_used_at` is the beginning of the day of the last use.
CREATE TABLE api_keys (
  id TEXT PRIMARY KEY,
  hash TEXT NOT NULL,
  name TEXT NOT NULL,
  domain TEXT NOT NULL,
  scope TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  last_used_at INTEGER
) WITHOUT ROWID;

-- Changes by the API: who (JSON), which operation, on which path. `domain` is '' for what concerns no domain.
-- The time first, so that a page of the newest changes, and the deletion of old ones, read nothing else.
CREATE TABLE audit (
  at INTEGER NOT NULL,
  id TEXT NOT NULL,
  domain TEXT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  status INTEGER NOT NULL,
  PRIMARY KEY (at, id)
) WITHOUT ROWID;

CREATE INDEX audit_of_domain ON audit (domain, at, id);
