-- The uses of tokens that have a limit of them: who uses a token for one connection, and how many calls began with it.
-- Times in milliseconds.
CREATE TABLE token_uses (
  id TEXT PRIMARY KEY,
  -- A hash of the token and the client's address; empty before it is used for a connection.
  holder TEXT NOT NULL DEFAULT '',
  calls INTEGER NOT NULL DEFAULT 0,
  expires_at INTEGER NOT NULL
) WITHOUT ROWID;
