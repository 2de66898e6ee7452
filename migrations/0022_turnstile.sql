-- What a domain asks Turnstile, and what the tokens of guests that passed it are for: JSON, with its secret sealed.
CREATE TABLE turnstile (domain TEXT PRIMARY KEY, settings TEXT NOT NULL) WITHOUT ROWID;
