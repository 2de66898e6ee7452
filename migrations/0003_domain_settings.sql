-- What holds for all of a domain: JSON, as lib/location/domain-settings.ts has it.
ALTER TABLE domains ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
