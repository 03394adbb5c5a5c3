interface Line {
  level?: unknown;
  time?: unknown;
  msg?: unknown;
  err?: { message?: unknown; stack?: unknown };
  [member: string]: unknown;
}

/** A line of the log as a person at a terminal reads it: `11:37:07 warn  the message  key=value`. */
export function formatForTerminal(json: string): string {
  const line = parsed(json);
  if (line === null) return json;
  const { level, time, msg, err, ...rest } = line;
  const clock = typeof time === 'string' ? time.slice(11, 19) : '';
  const members = Object.entries(rest).map(([name, value]) => `${name}=${shown(value)}`);
  const head = printable(
    [clock, String(level).padEnd(5), typeof msg === 'string' ? msg : '', ...members].join(' ').trimEnd(),
  );
  if (err === undefined) return `${head}\n`;
  // The stack of what was expected, such as a lost connection, would bury the line.
  const isDefect = level === 'error' || level === 'fatal';
  const detail = isDefect ? String(err.stack ?? err.message) : String(err.message);
  return `${head}\n${printable(detail).replaceAll(/^/gm, '         ')}\n`;
}

/** What a caller, a target or a file wrote must not move the cursor, colour the screen or rename the window. */
function printable(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n]/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

function parsed(json: string): Line | null {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' ? (value as Line | null) : null;
  } catch {
    return null;
  }
}

function shown(value: unknown): string {
  return typeof value === 'string' && /^[^\s"]+$/.test(value) ? value : JSON.stringify(value);
}
