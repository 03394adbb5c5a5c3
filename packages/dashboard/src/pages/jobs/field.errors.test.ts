import { HoldfastError, type Problem } from '@holdfast/client';
import { expect, test } from 'vitest';
import { circleOf, errorAt, fieldErrors } from './field.errors.ts';

const NONE = new Map<string, string>();
const refused = (problem: Partial<Problem>): HoldfastError =>
  new HoldfastError(
    problem.status ?? 400,
    { title: '', status: 400, detail: '', code: '', ...problem } as Problem,
    null,
  );

test('what the server says of a field stands at it, under what cannot even be read', () => {
  const error = refused({ errors: [{ path: '/config/url', message: 'must be a URL' }] });
  expect(fieldErrors(error, NONE).get('/config/url')).toBe('must be a URL');
  expect(fieldErrors(error, new Map([['/config/url', 'is no JSON']])).get('/config/url')).toBe('is no JSON');
  expect(fieldErrors(new Error('away'), NONE).size).toBe(0);
});

test('what is wrong with a part of what is written in one field stands at that field, and says which part', () => {
  const errors = new Map([
    ['/config/headers/accept', 'must be text'],
    ['/config/url', 'must be a URL'],
  ]);
  expect(errorAt(errors, '/config/headers')).toBe('accept must be text');
  expect(errorAt(errors, '/config')).toBe('headers/accept must be text');
  expect(errorAt(errors, '/config/url')).toBe('must be a URL');
  expect(errorAt(errors, '/config/head')).toBeUndefined();
});

test('a name that is taken, and a circle, are told at their fields', () => {
  expect(fieldErrors(refused({ status: 409, code: 'job_name_taken' }), NONE).get('/name')).toBe(
    'Another job has this name.',
  );
  const circle = refused({ status: 409, code: 'dependency_cycle', circle: ['a', 'b', 'a'] });
  expect([...fieldErrors(circle, NONE).keys()]).toEqual(['/dependencies']);
  expect(circleOf(circle)).toEqual(['a', 'b', 'a']);
  expect(circleOf(refused({}))).toBeNull();
});
