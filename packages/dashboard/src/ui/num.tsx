import { createContext, use, useEffect, useRef } from 'react';
import classes from './num.module.css';

/** Of whole numbers, and of unit costs, which have four places. */
const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 4 });
const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });

/** Whether numbers stand in columns of a fixed width, where one that is cut off would be read as a smaller one. */
export const InColumns = createContext(false);
/** From here on they would be. */
const COLUMN_MAX = 100_000_000;

interface NumProps {
  value: number | null | undefined;
  /** 12.3K instead of 12,345; the whole number is in its title. */
  short?: boolean;
  /** With its sign, for a difference. */
  signed?: boolean;
  /** What changes it: a number glows only where the same thing has another value than before. */
  of?: string;
}

/** A number in the reader's locale, in figures of one width; it glows for a moment when it changes. */
export function Num({ value, short: isShort = false, signed = false, of = '' }: NumProps) {
  const isInColumn = use(InColumns);
  const element = useRef<HTMLSpanElement>(null);
  const before = useRef({ of, value });
  useEffect(() => {
    const { of: known, value: old } = before.current;
    before.current = { of, value };
    if (known !== of || old === value || old == null || value == null) return;
    glow(element.current);
  }, [of, value]);
  if (value == null) return <span className={classes['none']}>–</span>;
  const short = isShort || (isInColumn && Math.abs(value) >= COLUMN_MAX);
  const text = formatNumber(value, { short, signed });
  return (
    <span ref={element} className={classes['num']} {...(short ? { title: whole.format(value) } : {})}>
      {text}
    </span>
  );
}

export function formatNumber(value: number, { short = false, signed = false } = {}): string {
  const text = (short && Math.abs(value) >= 100_000 ? compact : whole).format(Math.abs(value));
  if (value < 0) return `−${text}`;
  return signed && value > 0 ? `+${text}` : text;
}

/** `1 unit`, `1,200 units`. */
export function formatCount(count: number, one: string, many = `${one}s`): string {
  return `${formatNumber(count)} ${count === 1 ? one : many}`;
}

const GLOW_MS = 1_400;

/** By the Web Animations API: a class would have to be taken off, and set again where it changes twice. */
function glow(element: HTMLElement | null): void {
  if (element === null || matchMedia('(prefers-reduced-motion: reduce)').matches) return;
  const colour = getComputedStyle(element).getPropertyValue('--hf-glow');
  element.animate([{ backgroundColor: colour }, { backgroundColor: 'transparent' }], {
    duration: GLOW_MS,
    easing: 'ease-out',
  });
}

interface MoneyProps {
  /** A decimal, exact: `1250.5`. */
  value: string | null | undefined;
  currency: string;
  short?: boolean;
}

export function Money({ value, currency, short = false }: MoneyProps) {
  if (value == null) return <span className={classes['none']}>–</span>;
  const format = new Intl.NumberFormat(undefined, {
    style: 'currency',
    currency,
    ...(short ? { notation: 'compact' as const, maximumFractionDigits: 2 } : {}),
  });
  return (
    <span className={classes['num']} title={`${value} ${currency}`}>
      {format.format(Number(value))}
    </span>
  );
}
