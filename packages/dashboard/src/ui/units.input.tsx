import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { TextInput } from '@mantine/core';
import { readUnits, writingOf } from './units.rules.ts';

/** As many as the server takes. */
const UNITS_MAX = 1_000_000_000_000;
const writing = writingOf();

interface UnitsInputProps {
  label: string;
  value: number | '';
  /** Empty while what is typed is no number of units. */
  onChange: (value: number | '') => void;
  min?: number;
  description?: ReactNode;
  placeholder?: string;
  name?: string;
  required?: boolean;
  'data-autofocus'?: boolean;
}

/** Whole units, typed or pasted as the reader writes numbers. What could mean two things is refused rather than guessed. */
export function UnitsInput({ value, onChange, min = 0, ...field }: UnitsInputProps) {
  const [typed, setTyped] = useState({ text: textOf(value), value });
  const [isLeft, setIsLeft] = useState(false);
  // Given anew from outside, or left: as it is written here.
  const text = typed.value === value ? typed.text : textOf(value);
  const units = readUnits(text, writing);
  const isMeant = text.trim() === '' || (units !== null && units >= min && units <= UNITS_MAX);
  const isTooMuch = units !== null && units > UNITS_MAX;
  const rule = isTooMuch
    ? `At most ${textOf(UNITS_MAX)}`
    : `Whole units${min > 0 ? ` from ${min}` : ''}, as ${textOf(1_250)}`;
  const problem = isMeant ? '' : rule;
  const input = useRef<HTMLInputElement>(null);
  // An empty field may mean something: the form is not sent as if it were one.
  useEffect(() => input.current?.setCustomValidity(problem), [problem]);
  const change = (next: string): void => {
    const read = readUnits(next, writing);
    const now = read === null || read < min || read > UNITS_MAX ? '' : read;
    setTyped({ text: next, value: now });
    onChange(now);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (step === undefined || !isMeant) return;
    event.preventDefault();
    change(textOf(Math.min(UNITS_MAX, Math.max(min, (units ?? 0) + step))));
  };
  return (
    <TextInput
      {...field}
      ref={input}
      inputMode="numeric"
      autoComplete="off"
      maxLength={40}
      value={text}
      error={isLeft && !isMeant ? problem : null}
      onChange={(event) => change(event.currentTarget.value)}
      onKeyDown={onKeyDown}
      onFocus={() => setIsLeft(false)}
      onBlur={() => {
        setIsLeft(true);
        if (isMeant) setTyped({ text: textOf(value), value });
      }}
    />
  );
}

function textOf(value: number | ''): string {
  return value === '' ? '' : writing.format(value);
}
