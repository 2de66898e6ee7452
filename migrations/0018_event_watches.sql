-- The domains whose events have watchers now.
CREATE TABLE event_watches (
  domain TEXT NOT NULL PRIMARY KEY
) WITHOUT ROWID;
