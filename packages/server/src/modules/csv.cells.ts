/** What a spreadsheet would run as a formula, after as many apostrophes as came before. */
const FORMULA = /^'*[=+\-@\t\r]/;

/**
 * Text as it may stand in a cell of a spreadsheet: what would be run as a formula gets an apostrophe in front, which
 * spreadsheets hide (https://owasp.org/www-community/attacks/CSV_Injection). Numbers are not text: -5 stays -5.
 */
export function safeCell(text: string): string {
  return FORMULA.test(text) ? `'${text}` : text;
}

/** The text that {@link safeCell} made safe. */
export function plainText(cell: string): string {
  return cell.startsWith("'") && FORMULA.test(cell) ? cell.slice(1) : cell;
}
