import type { Answer } from '../../api/queries.ts';
import { LevelBar } from '../../ui/level.bar.tsx';
import { scaleOf } from '../../ui/level.bar.rules.ts';
import { Link } from '../../ui/link.tsx';
import { formatNumber, Num } from '../../ui/num.tsx';
import { levelOfPlace } from './sums.rules.ts';
import classes from './home.module.css';

/** A glance; all of them have a page. */
const SHOWN = 12;

/** The first locations' stock, drawn to one scale. */
export function LocationTable({ summary }: { summary: Answer<'/api/v1/summary'> }) {
  const locations = summary.locations.slice(0, SHOWN);
  const others = summary.locations.length - locations.length;
  const scale = Math.max(...locations.map((place) => scaleOf(levelOfPlace(place))), 1);
  return (
    <section className={classes['panel']} aria-labelledby="by-location">
      <header className={classes['panelHead']}>
        <h2 id="by-location">By location</h2>
        <Link to="/locations">All locations</Link>
      </header>
      <table className={classes['table']}>
        <thead>
          <tr>
            <th>Location</th>
            <th className={classes['barColumn']}>Level</th>
            <th>Available</th>
            <th>Low</th>
            <th>Out</th>
          </tr>
        </thead>
        <tbody>
          {locations.map(({ location, active, units, lowStock, outOfStock }) => (
            <tr key={location}>
              <th scope="row" title={location}>
                <Link to="/inventory" search={{ location }}>
                  {location}
                </Link>
              </th>
              <td>
                <LevelBar level={levelOfPlace({ units, active })} scale={scale} />
              </td>
              <td>
                <Num value={units.available} short of={location} />
              </td>
              <td>
                <Num value={lowStock} of={location} />
              </td>
              <td>
                <Num value={outOfStock} of={location} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {others > 0 && <p className={classes['nothing']}>and {formatNumber(others)} more, in the order of priority</p>}
    </section>
  );
}
