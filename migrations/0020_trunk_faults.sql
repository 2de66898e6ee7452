-- The servers of trunks that do not register us, or do not answer OPTIONS as ones that can be used. `server` is the name of the connection's object.
CREATE TABLE trunk_faults (
  server TEXT NOT NULL PRIMARY KEY,
  domain TEXT NOT NULL,
  trunk TEXT NOT NULL,
  since INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX trunk_faults_by_trunk ON trunk_faults (domain, trunk);
