/** How numbers are written where the reader is. */
export interface Writing {
  group: string;
  decimal: string;
  format: (value: number) => string;
}

export function writingOf(locale?: string): Writing {
  const formatter = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const parts = new Intl.NumberFormat(locale).formatToParts(1_234_567.5);
  const part = (type: string, usual: string): string => parts.find((one) => one.type === type)?.value ?? usual;
  return { group: part('group', ','), decimal: part('decimal', '.'), format: (value) => formatter.format(value) };
}

/** Spaces and apostrophes stand between groups in some countries, and mean nothing else in any. */
const HARMLESS = /[\s'’]/gu;

/**
 * The units that are meant by what was typed or pasted, in any digits, grouped as the reader's country does; null where
 * that is not certain: `1.250` is a thousand and more in Germany, and little more than one in Britain.
 */
export function readUnits(text: string, { group }: Writing): number | null {
  const plain = text
    .trim()
    .replaceAll(HARMLESS, '')
    .replaceAll(/\p{Nd}/gu, digitOf);
  const groups = plain.split(group);
  const [first = '', ...others] = groups;
  const isGrouped = others.every(
    (part, index) => part.length === 3 || (part.length === 2 && index < others.length - 1),
  );
  if (!isGrouped || (others.length > 0 && first.length > 3)) return null;
  return groups.every((part) => /^\d+$/.test(part)) ? Number(groups.join('')) : null;
}

/** Of all scripts the ten digits stand in a row, zero first. */
function digitOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  let value = 0;
  while (value < 9 && /\p{Nd}/u.test(String.fromCodePoint(code - value - 1))) value += 1;
  return String(value);
}
