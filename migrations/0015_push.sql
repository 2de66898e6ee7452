-- The push notification services that a domain uses: webpush, fcm, apns.
CREATE TABLE push (
  domain TEXT NOT NULL,
  provider TEXT NOT NULL,
  settings TEXT NOT NULL,
  PRIMARY KEY (domain, provider)
) WITHOUT ROWID;
