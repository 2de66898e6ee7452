-- The answers to POST requests with an Idempotency-Key, for a day; without an answer the request is being performed.
CREATE TABLE kept_answers (
  id TEXT NOT NULL PRIMARY KEY,
  body TEXT NOT NULL,
  at INTEGER NOT NULL,
  answer TEXT
) WITHOUT ROWID;
CREATE INDEX kept_answers_by_time ON kept_answers (at);
