import { describe, expect, it } from 'vitest';
import { refuseLastAdminKey, refuseLockingOut, refusePastExpiry } from './api-key.rules.ts';

describe('who may be locked out', () => {
  it('refuses a first key without admin, on the open server alone', () => {
    expect(() => refuseLockingOut(['read', 'stock'], 'open')).toThrow(
      expect.objectContaining({ code: 'first_key_needs_admin' }),
    );
    expect(() => refuseLockingOut(['read', 'admin'], 'open')).not.toThrow();
    expect(() => refuseLockingOut(['read'], 'key:1')).not.toThrow();
  });

  it('keeps the last admin key, whoever else has one that is not admin', () => {
    expect(() => refuseLastAdminKey('a', ['a'], 'key:a')).toThrow(expect.objectContaining({ code: 'last_admin_key' }));
    expect(() => refuseLastAdminKey('a', ['a', 'b'], 'key:a')).not.toThrow();
    expect(() => refuseLastAdminKey('reader', ['a'], 'key:a')).not.toThrow();
  });

  it('lets a person with a token revoke the last admin key: admin is had without it', () => {
    expect(() => refuseLastAdminKey('a', ['a'], 'user:ada')).not.toThrow();
  });

  it('refuses an expiry that has come', () => {
    expect(() => refusePastExpiry(1_000, 1_000)).toThrow(expect.objectContaining({ code: 'validation_failed' }));
    expect(() => refusePastExpiry(1_001, 1_000)).not.toThrow();
    expect(() => refusePastExpiry(null, 1_000)).not.toThrow();
  });
});
