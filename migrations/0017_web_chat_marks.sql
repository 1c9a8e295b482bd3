-- Read marks of the web chat: read_seq says how far the shop has read, seen_seq how far the person.
ALTER TABLE conversation ADD COLUMN seen_seq integer NOT NULL DEFAULT 0;
