-- What a subscriber wants done with calls for him: JSON, as lib/location/rules.ts has it.
ALTER TABLE subscribers ADD COLUMN rules TEXT NOT NULL DEFAULT '{}';
