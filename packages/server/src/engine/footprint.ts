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

/** What a command touches, by the names that it uses: two that share none need not wait for one another. */
export function keysOf(command: Command): string[] {
  if (command.kind === 'reserve' && command.request.lines.length === 1) {
    const [line] = command.request.lines;
    return line === undefined ? [] : [line.sku];
  }
  const { skus, reservationIds } = footprintOf([command]);
  return [...skus, ...reservationIds];
}
