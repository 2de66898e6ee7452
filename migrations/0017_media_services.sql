-- The services that convert the media of a domain's trunks.
CREATE TABLE media_services (
  domain TEXT NOT NULL,
  name TEXT NOT NULL,
  settings TEXT NOT NULL,
  PRIMARY KEY (domain, name)
) WITHOUT ROWID;
