export interface FreeFormLimits {
  maxBytes: number;
  maxDepth: number;
}

/** What is wrong with a free-form value, or null. Depth is looked at first, so that nothing here can run out of stack. */
export function freeFormFault(value: unknown, limits: FreeFormLimits): string | null {
  const fault = valueFault(value, limits.maxDepth);
  if (fault !== null) return fault;
  const bytes = Buffer.byteLength(JSON.stringify(value));
  return bytes > limits.maxBytes ? `must be at most ${limits.maxBytes} bytes as JSON; it is ${bytes}` : null;
}

function valueFault(value: unknown, levelsLeft: number): string | null {
  if (typeof value === 'number') return numberFault(value);
  if (typeof value !== 'object' || value === null) return null;
  if (levelsLeft === 0) return 'is nested too deeply';
  for (const member of Object.values(value)) {
    const fault = valueFault(member, levelsLeft - 1);
    if (fault !== null) return fault;
  }
  return null;
}

/** JSON.parse turns 1e400 into Infinity and rounds integers from 2^53 on: they would be stored as something else. */
function numberFault(value: number): string | null {
  if (!Number.isFinite(value)) return 'holds a number that is too large';
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return 'holds an integer beyond 2^53 - 1, which JSON numbers do not keep exactly: send it as text';
  }
  return null;
}
