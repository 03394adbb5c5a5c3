/** Money as the database has it, numeric(14, 4) as text, in ten-thousandths: sums of it stay exact. */
export function tenThousandths(cost: string): bigint {
  const [whole = '0', decimals = ''] = cost.split('.');
  return BigInt(`${whole}${decimals.padEnd(4, '0')}`);
}

export function fromTenThousandths(sum: bigint): number {
  return Number(sum) / 10_000;
}
