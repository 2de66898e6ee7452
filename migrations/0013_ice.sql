-- What STUN and TURN servers the phones of a domain use: JSON, as lib/ice/ice-settings.ts writes it, with sealed secrets.
CREATE TABLE ice (
  domain TEXT PRIMARY KEY,
  settings TEXT NOT NULL
) WITHOUT ROWID;
