import { describe, expect, it } from 'vitest';
import { refuseLockingOut, refusePastExpiry } from './api-key.rules.ts';

describe('who may be locked out', () => {
  it('refuses a first key without admin, on the open server alone', () => {
    expect(() => refuseLockingOut(['read', 'stock'], 'open')).toThrow(
      expect.objectContaining({ code: 'first_key_needs_admin' }),
    );
    expect(() => refuseLockingOut(['read', 'admin'], 'open')).not.toThrow();
    expect(() => refuseLockingOut(['read'], 'key:1')).not.toThrow();
  });

  it('refuses an expiry that has come', () => {
    expect(() => refusePastExpiry(1_000, 1_000)).toThrow(expect.objectContaining({ code: 'validation_failed' }));
    expect(() => refusePastExpiry(1_001, 1_000)).not.toThrow();
    expect(() => refusePastExpiry(null, 1_000)).not.toThrow();
  });
});
