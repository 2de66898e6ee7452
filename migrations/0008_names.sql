-- Names are stored without escapes: josé, where there was jos%C3%A9. Two hashes more, because a digest may have either spelling.
-- Accounts of that kind have only the hashes of the escaped one, until they get a new password.
ALTER TABLE subscribers ADD COLUMN escaped_md5 TEXT NOT NULL DEFAULT '';
ALTER TABLE subscribers ADD COLUMN escaped_sha256 TEXT NOT NULL DEFAULT '';
-- What a person is called, for those who administer; phones send their own.
ALTER TABLE subscribers ADD COLUMN display_name TEXT;

CREATE TABLE unescaped_names (
  escaped TEXT PRIMARY KEY,
  name TEXT NOT NULL
) WITHOUT ROWID;

INSERT INTO unescaped_names (escaped, name)
WITH RECURSIVE
  names (escaped) AS (
    SELECT username FROM subscribers WHERE instr(username, '%') > 0
    UNION SELECT username FROM deleted_subscribers WHERE instr(username, '%') > 0
    UNION SELECT alias FROM aliases WHERE instr(alias, '%') > 0
  ),
  steps (escaped, rest, octets) AS (
    SELECT escaped, escaped, '' FROM names
    UNION ALL
    SELECT escaped,
      CASE substr(rest, 1, 1) WHEN '%' THEN substr(rest, 4) ELSE substr(rest, 2) END,
      octets || CASE substr(rest, 1, 1) WHEN '%' THEN substr(rest, 2, 2) ELSE hex(substr(rest, 1, 1)) END
    FROM steps WHERE rest <> ''
  )
SELECT escaped, CAST(unhex(octets) AS TEXT) FROM steps WHERE rest = '';

-- A newer version, so that homes take the row in place of their copy.
UPDATE subscribers
SET escaped_md5 = md5, escaped_sha256 = sha256, md5 = '', sha256 = '', version = version + 1,
  username = (SELECT name FROM unescaped_names WHERE escaped = username)
WHERE username IN (SELECT escaped FROM unescaped_names);
UPDATE subscribers
SET aliases = (
  SELECT json_group_array(COALESCE((SELECT name FROM unescaped_names WHERE escaped = alias.value), alias.value)) FROM json_each(subscribers.aliases) AS alias
)
WHERE instr(aliases, '%') > 0;
UPDATE deleted_subscribers
SET username = (SELECT name FROM unescaped_names WHERE escaped = username)
WHERE username IN (SELECT escaped FROM unescaped_names);
UPDATE aliases SET alias = (SELECT name FROM unescaped_names WHERE escaped = alias) WHERE alias IN (SELECT escaped FROM unescaped_names);
UPDATE aliases
SET username = (SELECT name FROM unescaped_names WHERE escaped = username)
WHERE username IN (SELECT escaped FROM unescaped_names);
UPDATE lists SET owner = (SELECT name FROM unescaped_names WHERE escaped = owner) WHERE owner IN (SELECT escaped FROM unescaped_names);

DROP TABLE unescaped_names;
