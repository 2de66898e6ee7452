-- Other servers that calls go to and come from: JSON, as lib/routing/trunk.ts has it. The password is the one we show to that server.
CREATE TABLE trunks (
  domain TEXT NOT NULL,
  name TEXT NOT NULL,
  settings TEXT NOT NULL,
  PRIMARY KEY (domain, name)
) WITHOUT ROWID;
