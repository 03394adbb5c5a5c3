/** An SVG path through values that are as far apart as each other, on an area that starts at zero. */
export function pathThrough(values: readonly number[], width: number, height: number): string {
  if (values.length < 2) return '';
  const highest = Math.max(...values, 0);
  const step = width / (values.length - 1);
  const points = values.map((value, index) => {
    const y = highest === 0 ? height : height - (Math.max(0, value) / highest) * height;
    return `${round(index * step)} ${round(y)}`;
  });
  return `M${points.join('L')}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
