-- Reserves that are decided on what an instance remembers of levels, without locking and reading them first: what they
-- write says which row it was decided on, and nothing is written where the row is another by now.

-- known_…: as the row was, or will be when what was sent before is done.
CREATE TYPE known_level_write AS (
  product_id bigint, location_id bigint, known_version bigint, known_reserved bigint, on_hand bigint, committed bigint,
  reserved bigint, open_alerts smallint, was_available boolean, version bigint, last_movement_at double precision
);

-- Ends the transaction where what was decided on has changed.
CREATE FUNCTION refuse_unless(is_so boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF is_so IS NOT TRUE THEN
    RAISE EXCEPTION 'what was decided on has changed' USING ERRCODE = 'HF001';
  END IF;
END $$;
