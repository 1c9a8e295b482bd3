-- The ids of the last menu that was offered, one on each line: what an answer by number means where a
-- messenger has no buttons.

ALTER TABLE conversation ADD COLUMN offered text NOT NULL DEFAULT '';
