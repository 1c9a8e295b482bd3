-- Whether a password is long enough by itself: the last second factor may go only then.
ALTER TABLE account_password ADD COLUMN enough_alone boolean NOT NULL DEFAULT true;
