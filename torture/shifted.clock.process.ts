// Loaded into a server before its own code (`node --import`): its clock is wrong by TORTURE_CLOCK_SHIFT_MS.
const shiftMs = Number(process.env['TORTURE_CLOCK_SHIFT_MS'] ?? 0);
const RealDate = Date;

class ShiftedDate extends RealDate {
  constructor(...parts: [] | [string | number | Date]) {
    if (parts.length === 0) super(RealDate.now() + shiftMs);
    else super(...parts);
  }

  static override now(): number {
    return RealDate.now() + shiftMs;
  }
}

globalThis.Date = ShiftedDate as DateConstructor;
process.stderr.write(`The clock of this process says ${new Date().toISOString()}\n`);
