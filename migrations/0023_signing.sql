-- How the calls of a domain are signed: JSON, as lib/stir/signing-settings.ts writes it, with the private key sealed.
CREATE TABLE signing (
  domain TEXT PRIMARY KEY,
  settings TEXT NOT NULL
) WITHOUT ROWID;
