import { describe, expect, test } from 'vitest';
import type { Problem } from '../../kernel/problem.ts';
import { refuseWeakPassword } from './password.rules.ts';

const ADA = { login: 'ada.lovelace@shop.example', name: 'Ada Lovelace' };

function faultOf(password: string, owner = ADA): string | null {
  try {
    refuseWeakPassword(password, owner, '/password');
    return null;
  } catch (error) {
    const { code, extensions } = error as Problem;
    const [fault] = extensions['errors'] as { path: string; message: string }[];
    if (fault === undefined) throw error;
    expect([code, fault.path]).toEqual(['validation_failed', '/password']);
    expect(fault.message).not.toContain(password);
    return fault.message;
  }
}

describe('a new password', () => {
  test.each([
    'correct horse battery staple',
    'three tired herons by the canal',
    'xkqzpvmrtwbn',
    'G7#kd9!mQ2xz',
    '我的密码是一个很长的句子没有人知道',
    'пароль который никто не угадает',
    'my password is a heron on the canal',
    'a'.repeat(3) + 'heron by canal',
    '🐍🦊🐻🐼🐨🐯🦁🐮🐷🐸🐵🐔',
    // Six characters of one's own.
    'passwordxkqzpv',
  ])('may be %s', (password) => {
    expect(faultOf(password)).toBeNull();
  });

  test('has 12 to 200 characters, however many bytes or units these are', () => {
    expect(faultOf('xkqzpvmrtwb')).toContain('12 characters or more');
    expect(faultOf('🐍🦊🐻🐼🐨🐯🦁🐮🐷🐸🐵')).toContain('12 characters or more');
    expect(faultOf(`${'heron canal '.repeat(16)}abcdefgh`)).toBeNull();
    expect(faultOf(`${'heron canal '.repeat(16)}abcdefghi`)).toContain('200 characters or fewer');
    // One character, eighteen after NFKC.
    expect(faultOf('ﷺ'.repeat(12))).toContain('200 characters or fewer');
  });

  test.each([
    'password1234',
    'Password2024!',
    'P@ssw0rd!2025',
    'passwordpassword',
    'administrator',
    'administrator1!',
    'qwertyuiop123',
    'QWERTYUIOPASDFGH',
    'qwertzuiop123456',
    '1qaz2wsx3edc',
    'asdfghjkl;12',
    '123456789012',
    '210987654321',
    'aaaaaaaaaaaa',
    'abababababababab',
    'abcdefghijklmnop',
    'iloveyou1234',
    'letmein letmein',
    'changeme!!!!',
    'Welcome12345',
    'Summer2026!!',
    'holdfast2026',
    'warehouse123',
    'test test test',
    'passwordxkqzp',
    '            ',
  ])('must not be %s', (password) => {
    expect(faultOf(password)).toContain('too easy to guess');
  });

  test.each([
    'ada.lovelace@shop.example',
    'AdaLovelace1815',
    'lovelace-ada!',
    'Ada Lovelace 42',
    'ＡＤＡ ＬＯＶＥＬＡＣＥ',
  ])('must not be its owner: %s', (password) => {
    expect(faultOf(password)).toContain('too easy to guess');
  });

  test.each([
    ['Lovelace-1815', { login: 'alv', name: 'Ada Lovelace' }],
    ['a.b@c.de.fg.hi', { login: 'a.b@c.de.fg.hi', name: 'Al' }],
    ['annabelleannabelle', { login: 'ann', name: 'Annabelle' }],
  ])('must not be the name, the whole login, or the longer of two names: %s', (password, owner) => {
    expect(faultOf(password, owner)).toContain('too easy to guess');
  });

  test('is judged in good time, whatever it is and whoever owns it', () => {
    const started = performance.now();
    for (const password of ['a'.repeat(200), 'ab'.repeat(100), '0123456789'.repeat(20)]) {
      faultOf(password, { login: 'a'.repeat(200), name: 'b c d '.repeat(33) });
    }
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});
