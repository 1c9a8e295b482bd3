-- One account may hold several numbers behind one token.
DROP INDEX channel_one_per_secret;
CREATE UNIQUE INDEX channel_one_per_secret ON channel (outlet_id, kind, secret_env, account, address)
    NULLS NOT DISTINCT
    WHERE secret_sealed IS NULL;
