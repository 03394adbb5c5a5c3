import { expect, test } from 'vitest';
import { answerOf, decideIn } from './decide.fixture.ts';

/** Which of the places, of which later ones have the lower priority, one unit is taken from. */
function nearestOf(places: { lat: number; lng: number }[], near: { lat: number; lng: number }): string | undefined {
  const locations = places.map((place, index) => ({ code: `W${index}`, priority: places.length - index, ...place }));
  const levels = locations.map(({ code }) => ({ sku: 'A', location: code, onHand: 1 }));
  const request = { lines: [{ sku: 'A', quantity: 1 }], sourcing: { strategy: 'nearest' as const, near } };
  const { lines } = answerOf(decideIn({ products: ['A'], locations, levels }, { kind: 'reserve', request })).body;
  return (lines as { location: string }[])[0]?.location;
}

test('of places equally far on both sides of the date line the priority decides', () => {
  const both = [{ lat: 0, lng: 170 }, { lat: 0, lng: -170 }]; // prettier-ignore
  expect(nearestOf(both, { lat: 0, lng: 180 })).toBe('W1');
  expect(nearestOf(both, { lat: 0, lng: -180 })).toBe('W1');
  expect(nearestOf(both, { lat: 0, lng: 179 })).toBe('W0');
});

test('seen from a pole, of places on one circle of latitude the priority decides', () => {
  const circle = [-180, -120, -73.5, 0, 13.4, 77.7, 150].map((lng) => ({ lat: 48.3, lng }));
  for (const lat of [90, -90]) {
    for (const lng of [0, 17, -99.9, 180]) expect(nearestOf(circle, { lat, lng })).toBe('W6');
  }
  expect(nearestOf([...circle, { lat: 48.29, lng: 5 }], { lat: 90, lng: 0 })).toBe('W6');
});

test('a pole is one place, whatever its longitude', () => {
  const pole = [{ lat: 90, lng: 120 }, { lat: 90, lng: 0 }]; // prettier-ignore
  expect(nearestOf(pole, { lat: 12.3, lng: 45.6 })).toBe('W1');
});

test('fewest_locations, of more places than can be tried, takes those that serve the most', () => {
  const rooms = [1, 3, 3, 3, 3, 3, 3, 3, 3, 3, 20, 9, 5, 4];
  const many = rooms.map((_, priority) => ({ code: `P${priority}`, priority }));
  const among = (sourcing: object, ...quantities: number[]) => {
    const stock = rooms.map((onHand, index) => ({ sku: 'A', location: `P${index}`, onHand }));
    const lines = quantities.map((quantity) => ({ sku: 'A', quantity }));
    const request = { lines, sourcing: { strategy: 'fewest_locations' as const, ...sourcing } };
    const placed = answerOf(decideIn({ locations: many, levels: stock }, { kind: 'reserve', request })).body['lines'];
    return (placed as { location: string; quantity: number }[]).map((line) => `${line.location}:${line.quantity}`);
  };
  expect(among({ split: true }, 28)).toEqual(['P10:20', 'P11:8']);
  expect(among({ split: true }, 27, 5)).toEqual(['P1:3', 'P10:20', 'P11:4', 'P11:5']);
  expect(among({}, 8, 12, 9)).toEqual(['P10:8', 'P10:12', 'P11:9']);
  // P12 and P13 would do; but lines take the first place in turn, and then the second finds no room for its five.
  const locations = ['P0', 'P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'P8', 'P12', 'P13'];
  expect(among({ locations }, 1, 5, 3)).toEqual(['P0:1', 'P12:5', 'P13:3']);
});
