-- Issuers of the tokens (JWT) by which users of a domain sign in. `issuer` is the claim iss; `keys` is the last key set that was fetched (JSON),
-- and `keys_at` when that was, in milliseconds; both NULL if none was.
CREATE TABLE issuers (
  domain TEXT NOT NULL,
  name TEXT NOT NULL,
  issuer TEXT NOT NULL,
  settings TEXT NOT NULL,
  keys TEXT,
  keys_at INTEGER,
  PRIMARY KEY (domain, name)
) WITHOUT ROWID;

CREATE INDEX issuers_by_issuer ON issuers (issuer, domain);
