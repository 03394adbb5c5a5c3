-- What callers booked for a reservation, such as the return of what it shipped: `GET /ledger?referenceId=` did not find
-- it. There is little of it; what reservations write themselves is reached through their levels, and is not in here.
CREATE INDEX ledger_entry_reservation ON ledger_entry (reference_id, at, seq)
  WHERE reference_type = 'reservation' AND type NOT IN ('reserve', 'release', 'expire', 'commit', 'uncommit', 'sale');
