-- Keys older than a day are removed, the oldest first, for all outlets at once.
CREATE INDEX command_key_age ON command_key (created_at);
