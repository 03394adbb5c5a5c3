/** The largest quantity of one level, so that a sum over a thousand levels is still exact in a JSON number. */
export const QUANTITY_MAX = 1_000_000_000_000;

/** SKUs and location codes. Case-sensitive. */
export const NAME_PATTERN = '^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$';
