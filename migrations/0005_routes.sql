-- Where requests go before anybody is looked up: JSON, as lib/routing/route.ts has it.
CREATE TABLE routes (
  domain TEXT NOT NULL,
  name TEXT NOT NULL,
  settings TEXT NOT NULL,
  PRIMARY KEY (domain, name)
) WITHOUT ROWID;
