-- The directory: what an administrator provisions. Homes keep their own copy of their subscriber's row.

CREATE TABLE domains (
  name TEXT PRIMARY KEY,
  created_at INTEGER NOT NULL
) WITHOUT ROWID;

-- md5 and sha256 are HA1 values, H(username:domain:password); passwords are nowhere.
CREATE TABLE subscribers (
  domain TEXT NOT NULL,
  username TEXT NOT NULL,
  md5 TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  aliases TEXT NOT NULL,
  generation INTEGER NOT NULL,
  version INTEGER NOT NULL,
  opened_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (domain, username)
) WITHOUT ROWID;

-- The user parts under which a subscriber is called, his own among them: each leads to one subscriber.
CREATE TABLE aliases (
  domain TEXT NOT NULL,
  alias TEXT NOT NULL,
  username TEXT NOT NULL,
  PRIMARY KEY (domain, alias)
) WITHOUT ROWID;

-- Who was deleted: a subscriber of the same name gets a home of its own, and rows newer than any that a home has seen.
CREATE TABLE deleted_subscribers (
  domain TEXT NOT NULL,
  username TEXT NOT NULL,
  generation INTEGER NOT NULL,
  version INTEGER NOT NULL,
  PRIMARY KEY (domain, username)
) WITHOUT ROWID;
