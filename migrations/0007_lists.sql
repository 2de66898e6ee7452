-- Lists of resources that are watched with one subscription: of a subscriber, or of the domain (no owner); JSON, as lib/presence/resource-list.ts has it.
CREATE TABLE lists (
  domain TEXT NOT NULL,
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  version INTEGER NOT NULL,
  entries TEXT NOT NULL,
  PRIMARY KEY (domain, owner, name)
) WITHOUT ROWID;

-- The homes whose users watch a list of the domain, and until when: so that they are told when it changes.
CREATE TABLE list_watchers (
  domain TEXT NOT NULL,
  name TEXT NOT NULL,
  home TEXT NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (domain, name, home)
) WITHOUT ROWID;
