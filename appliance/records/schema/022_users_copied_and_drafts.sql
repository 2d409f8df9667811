-- Users are copied with register and sheets (014): a damaged database does not lock everybody out. A box that has
-- users already has something to copy.

CREATE TRIGGER policy_users_added AFTER INSERT ON users BEGIN
    UPDATE policy_version SET version = version + 1;
END;
CREATE TRIGGER policy_users_changed AFTER UPDATE ON users BEGIN
    UPDATE policy_version SET version = version + 1;
END;

UPDATE policy_version SET version = version + 1 WHERE EXISTS (SELECT 1 FROM users);
