-- Trunks that say which numbers they may call: read before a call to a server of another domain, which may be one of theirs.
CREATE INDEX trunks_selective ON trunks (domain, name) WHERE instr(settings, '_destinations"') > 0;
