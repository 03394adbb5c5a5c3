import type { Command, LineRequest, Sourcing } from './stock.command.ts';

/** What a batch touches, by the names that its commands use. */
export interface Footprint {
  skus: Set<string>;
  codes: Set<string>;
  /** Levels that are named. */
  pairs: { sku: string; code: string }[];
  /** Products of which any level may be taken. */
  sourcedSkus: Set<string>;
  /** Products that change themselves, with all levels. */
  changedSkus: Set<string>;
  /** Names that products are to be given. */
  newSkus: Set<string>;
  reservationIds: Set<string>;
}

export function footprintOf(commands: readonly Command[]): Footprint {
  const footprint: Footprint = {
    skus: new Set(),
    codes: new Set(),
    pairs: [],
    sourcedSkus: new Set(),
    changedSkus: new Set(),
    newSkus: new Set(),
    reservationIds: new Set(),
  };
  for (const command of commands) addCommand(footprint, command);
  return footprint;
}

function addCommand(footprint: Footprint, command: Command): void {
  switch (command.kind) {
    case 'reserve':
      return addLines(footprint, command.request.lines, command.request.sourcing);
    case 'reserveMany':
      for (const { lines, sourcing } of command.requests) addLines(footprint, lines, sourcing);
      return;
    case 'changeLines':
      footprint.reservationIds.add(command.id);
      return addLines(footprint, command.lines, command.sourcing);
    case 'release':
      footprint.skus.add(command.sku);
      footprint.reservationIds.add(command.id);
      return;
    case 'confirm':
    case 'ship':
    case 'cancel':
    case 'extend':
    case 'expire':
      footprint.reservationIds.add(command.id);
      return;
    case 'adjust':
      return addPair(footprint, command.request.sku, command.request.location);
    case 'adjustMany':
      for (const { sku, location } of command.requests) addPair(footprint, sku, location);
      return;
    case 'transfer':
      for (const { sku } of command.lines) {
        addPair(footprint, sku, command.from);
        addPair(footprint, sku, command.to);
      }
      return;
    case 'levelSettings':
      return addPair(footprint, command.sku, command.location);
    case 'updateProduct':
      footprint.skus.add(command.sku);
      footprint.changedSkus.add(command.sku);
      if (command.patch.sku !== undefined) footprint.newSkus.add(command.patch.sku);
      return;
    case 'archiveProduct':
      footprint.skus.add(command.sku);
      footprint.changedSkus.add(command.sku);
  }
}

function addLines(footprint: Footprint, lines: LineRequest[], sourcing: Sourcing | undefined): void {
  for (const code of sourcing?.locations ?? []) footprint.codes.add(code);
  for (const { sku, location } of lines) {
    if (location !== undefined) {
      addPair(footprint, sku, location);
      continue;
    }
    footprint.skus.add(sku);
    footprint.sourcedSkus.add(sku);
  }
}

function addPair(footprint: Footprint, sku: string, code: string): void {
  footprint.skus.add(sku);
  footprint.codes.add(code);
  footprint.pairs.push({ sku, code });
}

/** How much of a batch a command fills: its lines or items, at least one. */
export function weightOf(command: Command): number {
  switch (command.kind) {
    case 'reserve':
      return command.request.lines.length;
    case 'reserveMany':
      return command.requests.reduce((sum, request) => sum + request.lines.length, 0);
    case 'adjustMany':
      return command.requests.length;
    case 'changeLines':
    case 'transfer':
      return command.lines.length;
    default:
      return 1;
  }
}

/** What a command touches, as far as its names tell. Two that touch nothing in common need not wait for one another. */
export interface Touch {
  /** What others find. */
  holds: readonly string[];
  /** What it looks for among what others hold. */
  asks: readonly string[];
}

/**
 * A level is held by its name, and its product's name with a mark: whoever names the product alone may take any of its
 * levels. Names that happen to be equal make somebody wait for nothing, and that is all.
 */
export function touchOf(command: Command): Touch {
  if (command.kind === 'reserve' && command.request.lines.length === 1) {
    const [line] = command.request.lines;
    if (line?.location !== undefined) return touchOfLevel(line.sku, line.location);
  }
  const { skus, pairs, reservationIds, sourcedSkus, changedSkus } = footprintOf([command]);
  const whole = command.kind === 'release' ? skus : [...sourcedSkus, ...changedSkus];
  const touches = pairs.map(({ sku, code }) => touchOfLevel(sku, code));
  for (const sku of whole) touches.push({ holds: [sku, anyOf(sku)], asks: [anyOf(sku)] });
  return {
    holds: [...touches.flatMap(({ holds }) => holds), ...reservationIds],
    asks: [...touches.flatMap(({ asks }) => asks), ...reservationIds],
  };
}

function touchOfLevel(sku: string, code: string): Touch {
  const level = `${sku}\n${code}`;
  return { holds: [level, anyOf(sku)], asks: [level, sku] };
}

const anyOf = (sku: string): string => `\n${sku}`;
