interface Edge {
  from: string;
  to: string;
}

export interface Place {
  id: string;
  layer: number;
  /** From the top of its layer. */
  slot: number;
}

/** Sweeps that bring each job near those it waits for; more change little. */
const SWEEPS = 6;

/**
 * A directed graph without circles in layers: each job is right of all that it waits for, and stands near them. After
 * Sugiyama: layers by the longest way, order within a layer by the middle of the neighbours.
 */
export function layOut(ids: readonly string[], edges: readonly Edge[]): { places: Place[]; layers: number } {
  const before = neighbours(ids, edges, ({ from, to }) => [to, from]);
  const after = neighbours(ids, edges, ({ from, to }) => [from, to]);
  const layerOf = longestWays(ids, before);
  const layers = Array.from({ length: Math.max(0, ...layerOf.values()) + 1 }, (): string[] => []);
  for (const id of ids) layers[layerOf.get(id) ?? 0]?.push(id);
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const isForth = sweep % 2 === 0;
    for (const [index, layer] of isForth ? layers.entries() : [...layers.entries()].toReversed()) {
      layers[index] = byMiddle(layer, slotsOf(layers), isForth ? before : after);
    }
  }
  return {
    places: layers.flatMap((layer, at) => layer.map((id, slot) => ({ id, layer: at, slot }))),
    layers: layers.length,
  };
}

type Neighbours = ReadonlyMap<string, readonly string[]>;

function neighbours(
  ids: readonly string[],
  edges: readonly Edge[],
  ends: (edge: Edge) => [string, string],
): Neighbours {
  const known = new Map<string, string[]>(ids.map((id) => [id, []]));
  for (const edge of edges) {
    const [of, other] = ends(edge);
    if (known.has(other)) known.get(of)?.push(other);
  }
  return known;
}

function longestWays(ids: readonly string[], before: Neighbours): Map<string, number> {
  const lengths = new Map<string, number>();
  const underWay = new Set<string>();
  const lengthOf = (id: string): number => {
    const known = lengths.get(id);
    if (known !== undefined) return known;
    // The server refuses circles; one that came all the same must not hang the page.
    if (underWay.has(id)) return 0;
    underWay.add(id);
    const length = Math.max(-1, ...(before.get(id) ?? []).map(lengthOf)) + 1;
    underWay.delete(id);
    lengths.set(id, length);
    return length;
  };
  for (const id of ids) lengthOf(id);
  return lengths;
}

function slotsOf(layers: readonly string[][]): Map<string, number> {
  // Layers are of different lengths: middles are compared by their share.
  return new Map(layers.flatMap((layer) => layer.map((id, slot) => [id, (slot + 0.5) / layer.length] as const)));
}

function byMiddle(layer: readonly string[], slots: ReadonlyMap<string, number>, near: Neighbours): string[] {
  const middleOf = (id: string): number => {
    const at = (near.get(id) ?? []).flatMap((other) => slots.get(other) ?? []);
    return at.length === 0 ? (slots.get(id) ?? 0) : at.reduce((sum, one) => sum + one, 0) / at.length;
  };
  const middles = new Map(layer.map((id) => [id, middleOf(id)]));
  return layer.toSorted((left, right) => (middles.get(left) ?? 0) - (middles.get(right) ?? 0));
}

/** From the right side of one box to the left side of another, level at both ends. */
export function curve(from: { x: number; y: number }, to: { x: number; y: number }): string {
  const bend = Math.max(24, (to.x - from.x) / 2);
  return `M${from.x} ${from.y}C${from.x + bend} ${from.y} ${to.x - bend} ${to.y} ${to.x} ${to.y}`;
}
