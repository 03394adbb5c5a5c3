import { expect, test } from 'vitest';
import { curve, layOut } from './graph.rules.ts';

const edge = (from: string, to: string) => ({ from, to });

test('each job is right of all that it waits for', () => {
  const edges = [edge('a', 'b'), edge('b', 'd'), edge('a', 'c'), edge('c', 'd'), edge('a', 'd')];
  const { places, layers } = layOut(['d', 'c', 'b', 'a'], edges);
  const layerOf = new Map(places.map(({ id, layer }) => [id, layer]));
  expect(layers).toBe(3);
  expect(['a', 'b', 'c', 'd'].map((id) => layerOf.get(id))).toEqual([0, 1, 1, 2]);
});

test('jobs stand near those they wait for, so that lines do not cross', () => {
  const edges = [edge('top', 'y'), edge('bottom', 'x')];
  const { places } = layOut(['top', 'bottom', 'x', 'y'], edges);
  const slots = Object.fromEntries(places.map(({ id, slot }) => [id, slot]));
  expect(slots).toEqual({ top: 0, bottom: 1, y: 0, x: 1 });
});

test('no two jobs have one place', () => {
  const ids = Array.from({ length: 60 }, (_, index) => `job ${index}`);
  const edges = ids.slice(1).map((to, index) => edge(ids[Math.floor(index / 3)] ?? '', to));
  const { places } = layOut(ids, edges);
  expect(new Set(places.map(({ layer, slot }) => `${layer} ${slot}`)).size).toBe(60);
});

test('a circle, which the server refuses, ends all the same', () => {
  expect(layOut(['a', 'b'], [edge('a', 'b'), edge('b', 'a')]).places).toHaveLength(2);
});

test('a line leaves one box level and comes level into the other', () => {
  expect(curve({ x: 0, y: 10 }, { x: 100, y: 50 })).toBe('M0 10C50 10 50 50 100 50');
});
