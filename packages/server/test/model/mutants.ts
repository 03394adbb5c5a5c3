/** Bugs that engines of this kind have had or could have, each as one passage of the model changed. */
export type Mutant = { bug: string; file: string; from: string; to: string };

const inPlacement = (bug: string, from: string, to: string): Mutant => ({ bug, file: 'placement.ts', from, to });
const inReservations = (bug: string, from: string, to: string): Mutant => ({
  bug,
  file: 'reservation.model.ts',
  from,
  to,
});
const inStock = (bug: string, from: string, to: string): Mutant => ({ bug, file: 'stock.model.ts', from, to });
const inWorld = (bug: string, from: string, to: string): Mutant => ({ bug, file: 'world.ts', from, to });

const holds: Mutant[] = [
  inPlacement('repeated lines are not summed', '      pieces.forEach(stock.take);\n', ''),
  inReservations(
    'changed lines compete with their own units',
    'placeRequest(world, body, reservation.lines)',
    'placeRequest(world, body, [])',
  ),
  inReservations(
    'a lapsed hold can be confirmed',
    "if (status === 'expired') return refuse('reservation_expired');\n  if (status === 'cancelled')",
    "if (status === 'cancelled')",
  ),
  inReservations(
    'cancelling gives nothing back',
    '? { reserved: -units } : { committed: -units }',
    '? { reserved: 0 } : { committed: 0 }',
  ),
  inReservations(
    'cancelling a confirmed one gives back reserved units',
    ': { committed: -units };',
    ': { onHand: -units, committed: -units };',
  ),
  inReservations(
    'a partly shipped, cancelled one ends as cancelled',
    "line.shipped > 0) ? 'shipped' : 'cancelled'",
    "line.shipped > 0) ? 'cancelled' : 'cancelled'",
  ),
  inReservations(
    'confirming a confirmed one is refused',
    "if (status === 'confirmed') return unchanged(world, reservation);",
    "if (status === 'confirmed') return refuse('invalid_transition');",
  ),
  inReservations(
    'shipping more than is open',
    'Math.min(missing, openUnits(line) - already)',
    'Math.min(missing, line.quantity - already)',
  ),
  inReservations(
    'shipping what is not on hand is told as open',
    "return refuse('insufficient_stock');\n  }\n  for",
    "return refuse('quantity_exceeds_open');\n  }\n  for",
  ),
  inReservations(
    'extending a lapsed one brings it back',
    "const status = statusOf(world, reservation);\n  if (status !== 'pending') return refuse(status === 'expired' ? 'reservation_expired' : 'invalid_transition');\n\n  reservation.expiresAt",
    "if (reservation.status !== 'pending') return refuse('invalid_transition');\n\n  reservation.expiresAt",
  ),
  inReservations(
    'an inactive location takes reservations',
    'if (location?.active === false)',
    'if (location === null)',
  ),
  inReservations(
    'sourcing does not pass an inactive location by',
    'active && (allowed === undefined',
    '(active || true) && (allowed === undefined',
  ),
  inReservations('an archived product takes reservations', 'if (product?.archived === true)', 'if (product === null)'),
  inReservations(
    'releasing one product cancels the others too',
    'return giveBack(world, reservation, lines);\n  if',
    'return giveBack(world, reservation, reservation.lines);\n  if',
  ),
];

const lapses: Mutant[] = [
  inWorld(
    'a hold still lives at the instant of its expiry',
    'reservation.expiresAt <= world.now',
    'reservation.expiresAt < world.now',
  ),
  inWorld(
    'a hold lapses a millisecond early',
    'reservation.expiresAt <= world.now',
    'reservation.expiresAt <= world.now + 1',
  ),
  inWorld('all lapsed lines come back where one would do', 'if (missing <= 0) return;', 'if (units <= 0) return;'),
  inWorld('one lapsed line too many comes back', 'if (missing <= 0) return;', 'if (missing < 0 || units <= 0) return;'),
  inWorld('the youngest lapsed hold comes back first', 'a.expiresAt - b.expiresAt ||', 'b.expiresAt - a.expiresAt ||'),
  inWorld(
    'lapsed units do not count as free',
    'availableOf(world, level) + lapsedUnitsOf(world, level);',
    'availableOf(world, level);',
  ),
  inReservations(
    'lapsed units count as free and are not released',
    'if (delta > 0) releaseAsNeeded(world, level, delta - availableOf(world, level));',
    '',
  ),
  inWorld(
    'a swept hold leaves its units reserved',
    "post(level, 'expire', { reserved: -units }",
    "post(level, 'expire', { reserved: 0 }",
  ),
  inStock(
    'lapsed units stand in the way of a count',
    'level.reserved + level.committed - lapsedUnitsOf(world, level);',
    'level.reserved + level.committed;',
  ),
];

const places: Mutant[] = [
  inPlacement(
    'the split takes all from the first place',
    'request.sourcing.split === true ? splitShares',
    'request.sourcing.split === null ? splitShares',
  ),
  inPlacement(
    'most_available takes the place with the least',
    'places.toSorted((a, b) => left(b.code) - left(a.code))',
    'places.toSorted((a, b) => left(a.code) - left(b.code))',
  ),
  inPlacement('nearest takes the farthest', 'away(a) - away(b)', 'away(b) - away(a)'),
  inPlacement(
    'nearest forgets that the earth is round',
    'Math.cos(radians(latA)) * Math.cos(radians(latB)) * lng',
    'lng',
  ),
  inPlacement(
    'fewest_locations takes them by priority',
    "request.sourcing.strategy === 'fewest_locations'",
    'request.sourcing.strategy === undefined && request.partial === null',
  ),
  inPlacement(
    'a partial line takes from the first place, not the one with the most',
    'stock.left(line.sku, b.code) - stock.left(line.sku, a.code)',
    '0',
  ),
  inPlacement(
    'partial holds all or nothing',
    'if (quantity < line.quantity && !request.partial) return null;',
    'if (quantity < line.quantity) return null;',
  ),
  inReservations('ties of priority go the wrong way', '(a.code < b.code ? -1 : 1)', '(a.code < b.code ? 1 : -1)'),
];

const stock: Mutant[] = [
  inWorld('safety stock is sold', ' - (settingsOf(world, level).safetyStock ?? 0);', ';'),
  inWorld(
    'committed units are sold',
    'level.onHand - level.reserved - level.committed - (',
    'level.onHand - level.reserved - (',
  ),
  inStock(
    'force takes more than is on hand',
    'if (target < 0) codes.push',
    'if (target < 0 && body.force !== true) codes.push',
  ),
  inStock(
    'promised units leave without force',
    'takesPromised(level, target, promised) && body.force !== true) codes',
    'takesPromised(level, target, promised) && body.force === false) codes',
  ),
  inStock('the bound of a level is one unit too high', 'if (target > QUANTITY_MAX)', 'if (target > QUANTITY_MAX + 1)'),
  inStock('expectedOnHand is not looked at', 'body.expectedOnHand !== level.onHand', 'body.expectedOnHand === -1'),
  inStock('expectedVersion is not looked at', 'body.expectedVersion !== level.version', 'body.expectedVersion === -2'),
  inStock('an atomic bulk keeps what came before the refusal', 'each(copyOf(world))', 'each(world)'),
  inStock(
    'a transfer takes promised units',
    'freeOf(world, levelOf(world, sku, body.from)) < quantity',
    'levelOf(world, sku, body.from).onHand < quantity',
  ),
  inStock(
    'repeated lines of a transfer are judged alone',
    '(sums.get(sku) ?? 0) + quantity',
    'Math.max(sums.get(sku) ?? 0, quantity)',
  ),
  inStock(
    'a product in use can be archived',
    'if (inUse) return',
    'if (inUse && levels.every((level) => level.onHand === 0)) return',
  ),
];

const around: Mutant[] = [
  {
    bug: 'a key is not looked at',
    file: 'model.ts',
    from: 'key === undefined ? undefined : world.keys.get(key)',
    to: 'undefined as ReturnType<typeof world.keys.get>',
  },
  {
    bug: 'a key answers any request',
    file: 'model.ts',
    from: 'if (stored.fingerprint !== fingerprint)',
    to: 'if (stored.fingerprint === null)',
  },
  {
    bug: 'a key is kept for ever',
    file: 'model.ts',
    from: '24 * 3_600_000',
    to: 'Number.MAX_SAFE_INTEGER',
  },
  {
    bug: 'a key is kept for an hour',
    file: 'model.ts',
    from: '24 * 3_600_000',
    to: '3_600_000',
  },
  {
    bug: 'a refused request keeps its key',
    file: 'model.ts',
    from: `if (key !== undefined && outcome.ok) {
    world.keys.set(key, { fingerprint, answer, at: world.now, certain: outcome.changed, outcome });`,
    to: 'if (key !== undefined) {\n    world.keys.set(key, { fingerprint, answer, at: world.now, certain: true, outcome });',
  },
  inWorld(
    'an alert that was resolved never opens again',
    'if (open && !alert.open) alert.opened += 1;\n    alert.open = open;',
    'if (open && alert.opened === 0) alert.opened = 1;\n    alert.open = open && alert.opened === 1;',
  ),
  inWorld('low_stock opens below the reorder point only', 'available <= reorderPoint', 'available < reorderPoint'),
];

export const MUTANTS: Mutant[] = [...holds, ...lapses, ...places, ...stock, ...around];
