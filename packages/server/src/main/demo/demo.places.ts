/** Where something is on Earth. */
export interface Place {
  lat: number;
  lng: number;
}

export interface DemoWarehouse extends Place {
  code: string;
  name: string;
  priority: number;
}

/** Three warehouses that the shop could have had: at home, at the port, and in the south. */
export const HOME: DemoWarehouse = { code: 'UK-LUTON', name: 'Luton', priority: 10, lat: 51.8787, lng: -0.42 };
export const WAREHOUSES: readonly DemoWarehouse[] = [
  HOME,
  { code: 'NL-ROTTERDAM', name: 'Rotterdam', priority: 20, lat: 51.9244, lng: 4.4777 },
  { code: 'IT-MILAN', name: 'Milan', priority: 30, lat: 45.4642, lng: 9.19 },
];

/** The customers' countries, as the data names them, by their capitals. */
const CAPITALS: Readonly<Record<string, Place>> = {
  'United Kingdom': { lat: 51.5074, lng: -0.1278 },
  Australia: { lat: -35.2809, lng: 149.13 },
  Austria: { lat: 48.2082, lng: 16.3738 },
  Belgium: { lat: 50.8503, lng: 4.3517 },
  Denmark: { lat: 55.6761, lng: 12.5683 },
  EIRE: { lat: 53.3498, lng: -6.2603 },
  Finland: { lat: 60.1699, lng: 24.9384 },
  France: { lat: 48.8566, lng: 2.3522 },
  Germany: { lat: 52.52, lng: 13.405 },
  Italy: { lat: 41.9028, lng: 12.4964 },
  Japan: { lat: 35.6762, lng: 139.6503 },
  Lithuania: { lat: 54.6872, lng: 25.2797 },
  Netherlands: { lat: 52.3676, lng: 4.9041 },
  Norway: { lat: 59.9139, lng: 10.7522 },
  Poland: { lat: 52.2297, lng: 21.0122 },
  Portugal: { lat: 38.7223, lng: -9.1393 },
  Spain: { lat: 40.4168, lng: -3.7038 },
  Sweden: { lat: 59.3293, lng: 18.0686 },
  Switzerland: { lat: 46.948, lng: 7.4474 },
};

/** null: sourced by priority. */
export function placeOf(country: string): Place | null {
  return CAPITALS[country] ?? null;
}

export function nearestWarehouse(country: string): DemoWarehouse {
  const place = placeOf(country);
  if (place === null) return HOME;
  return WAREHOUSES.reduce((best, warehouse) =>
    centralAngle(place, warehouse) < centralAngle(place, best) ? warehouse : best,
  );
}

/** The angle between two places, by the haversine formula: as good as a distance for telling which is nearer. */
function centralAngle(from: Place, to: Place): number {
  const half = (angle: number): number => Math.sin(radians(angle) / 2) ** 2;
  return half(to.lat - from.lat) + Math.cos(radians(from.lat)) * Math.cos(radians(to.lat)) * half(to.lng - from.lng);
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}
