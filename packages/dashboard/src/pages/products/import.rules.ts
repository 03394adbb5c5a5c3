/** What a row of the file becomes. */
export interface ImportedRow {
  /** The row's number in the file, its header being 1. */
  line: number;
  product: {
    sku: string;
    name: string;
    category: string | null;
    description: string | null;
    unitCost: number | null;
    reorderPoint: number | null;
  };
  /** Units on hand to begin with, where the file says so. */
  opening: number | null;
}

export interface RefusedRow {
  line: number;
  sku: string;
  reason: string;
}

export type Field = 'sku' | 'name' | 'category' | 'description' | 'unitCost' | 'reorderPoint' | 'opening';

/** Which column each field is read from; absent: none. */
export type Mapping = Partial<Record<Field, number>>;

export const FIELDS: readonly { name: Field; label: string; isRequired?: true; aliases: readonly string[] }[] = [
  {
    name: 'sku',
    label: 'Sku',
    isRequired: true,
    aliases: ['sku', 'stockcode', 'productcode', 'article', 'articlenumber', 'itemnumber', 'item', 'code'],
  },
  {
    name: 'name',
    label: 'Name',
    isRequired: true,
    aliases: ['name', 'title', 'productname', 'description', 'product'],
  },
  { name: 'category', label: 'Category', aliases: ['category', 'group', 'department', 'producttype', 'type'] },
  { name: 'description', label: 'Description', aliases: ['longdescription', 'details', 'text', 'body'] },
  { name: 'unitCost', label: 'Unit cost', aliases: ['unitcost', 'cost', 'unitprice', 'price', 'purchaseprice'] },
  {
    name: 'reorderPoint',
    label: 'Reorder at',
    aliases: ['reorderpoint', 'reorderlevel', 'minimum', 'minstock', 'min'],
  },
  { name: 'opening', label: 'Units on hand', aliases: ['onhand', 'stock', 'openingstock', 'inventory', 'qtyonhand'] },
];

const plain = (name: string): string => name.toLowerCase().replaceAll(/[^\p{Letter}\p{Number}]/gu, '');

/** The columns that most likely are the fields', each used once. */
export function guessMapping(header: readonly string[]): Mapping {
  const mapping: Mapping = {};
  const taken = new Set<number>();
  for (const { name, aliases } of FIELDS) {
    for (const alias of aliases) {
      const column = header.findIndex((title, index) => !taken.has(index) && plain(title) === alias);
      if (column < 0) continue;
      mapping[name] = column;
      taken.add(column);
      break;
    }
  }
  return mapping;
}

const SKU = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/;
const COST_MAX = 1_000_000_000;
const UNITS_MAX = 1_000_000_000_000;
const NAME_MAX = 200;
const CATEGORY_MAX = 200;
const DESCRIPTION_MAX = 5_000;

/** One row as what it becomes, or why it cannot. */
export function readRow(cells: readonly string[], line: number, mapping: Mapping): ImportedRow | RefusedRow {
  const cell = (field: Field): string => {
    const column = mapping[field];
    return column === undefined ? '' : (cells[column] ?? '').trim();
  };
  const sku = cell('sku');
  const refuse = (reason: string): RefusedRow => ({ line, sku, reason });
  if (sku === '') return refuse('has no sku');
  if (!SKU.test(sku)) return refuse('the sku may hold letters, digits and . _ : - only, 64 at most');
  const name = cell('name');
  if (name === '') return refuse('has no name');
  if (name.length > NAME_MAX) return refuse(`the name is longer than ${NAME_MAX} characters`);
  if (cell('category').length > CATEGORY_MAX) return refuse(`the category is longer than ${CATEGORY_MAX} characters`);
  if (cell('description').length > DESCRIPTION_MAX)
    return refuse(`the description is longer than ${DESCRIPTION_MAX} characters`);
  const unitCost = numberOf(cell('unitCost'));
  if (unitCost !== null && !(unitCost >= 0 && unitCost <= COST_MAX)) return refuse('the unit cost is no number from 0');
  const reorderPoint = numberOf(cell('reorderPoint'));
  if (!isUnits(reorderPoint)) return refuse('the reorder point is no whole number from 0');
  const opening = numberOf(cell('opening'));
  if (!isUnits(opening)) return refuse('units on hand is no whole number from 0');
  return {
    line,
    opening,
    product: {
      sku,
      name,
      category: cell('category') || null,
      description: cell('description') || null,
      unitCost: unitCost === null ? null : Math.round(unitCost * 10_000) / 10_000,
      reorderPoint,
    },
  };
}

function isUnits(value: number | null): boolean {
  return value === null || (Number.isInteger(value) && value >= 0 && value <= UNITS_MAX);
}

/** `1.234,5`, `1,234.5` and `12` alike; NaN where it is no number. */
export function numberOf(text: string): number | null {
  if (text === '') return null;
  const bare = text.replaceAll(/[\s'’]/g, '');
  const comma = bare.lastIndexOf(',');
  const dot = bare.lastIndexOf('.');
  const normal = comma > dot ? bare.replaceAll('.', '').replace(',', '.') : bare.replaceAll(',', '');
  return /^-?\d+(?:\.\d+)?$/.test(normal) ? Number(normal) : Number.NaN;
}

/** A plan for a whole file: what will be made, what cannot be, and how many rows say again what another said. */
export interface Plan {
  rows: ImportedRow[];
  refused: RefusedRow[];
  repeated: number;
}

/**
 * A file of orders names a product on many rows: the first row that can be read counts, and the others are no fault, not
 * even those without a name.
 */
export function planImport(lines: readonly (readonly string[])[], mapping: Mapping): Plan {
  const rows = new Map<string, ImportedRow>();
  const refused = new Map<string, RefusedRow>();
  let repeated = 0;
  for (const [index, cells] of lines.entries()) {
    const read = readRow(cells, index + 2, mapping);
    const sku = 'reason' in read ? read.sku : read.product.sku;
    if (rows.has(sku)) repeated += 1;
    else if (!('reason' in read)) rows.set(sku, read);
    else refused.set(sku === '' ? `line ${read.line}` : sku, refused.get(sku) ?? read);
  }
  return { rows: [...rows.values()], refused: [...refused.values()].filter(({ sku }) => !rows.has(sku)), repeated };
}

/** A cell that a spreadsheet would run is made harmless. */
function csvCell(text: string): string {
  return `"${text.replace(/^[=+\-@\t\r]/, "'$&").replaceAll('"', '""')}"`;
}

/** A report of refused rows, as a file. */
export function refusedCsv(refused: readonly RefusedRow[]): string {
  const lines = refused.map(({ line, sku, reason }) => `${line},${csvCell(sku)},${csvCell(reason)}`);
  return ['line,sku,reason', ...lines].join('\n');
}
