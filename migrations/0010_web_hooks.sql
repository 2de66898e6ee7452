-- The web hooks of a domain: JSON, as lib/web-hooks/web-hook.ts writes it, with sealed secrets.
CREATE TABLE web_hooks (
  domain TEXT NOT NULL,
  name TEXT NOT NULL,
  settings TEXT NOT NULL,
  PRIMARY KEY (domain, name)
) WITHOUT ROWID;
