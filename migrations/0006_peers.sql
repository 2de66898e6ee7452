-- Servers of other domains that connect to us: token as SHA-256, certificate as its SHA-256 fingerprint; JSON as lib/transport/visitor.ts has it.
CREATE TABLE peers (
  domain TEXT NOT NULL,
  name TEXT NOT NULL,
  token TEXT UNIQUE,
  certificate TEXT UNIQUE,
  settings TEXT NOT NULL,
  PRIMARY KEY (domain, name)
) WITHOUT ROWID;
