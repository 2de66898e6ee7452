-- Tokens of this user that were issued before this time (milliseconds) are not accepted; NULL: none was revoked.
ALTER TABLE subscribers ADD COLUMN tokens_since INTEGER;
