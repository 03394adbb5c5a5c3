import { useGet } from '../../api/queries.ts';
import { CopyLine } from '../../ui/copy.line.tsx';
import { curlLine } from '../../ui/empty.state.tsx';
import { Icon } from '../../ui/icon.tsx';
import { Link, pathOf } from '../../ui/link.tsx';
import { PageHeader } from '../../ui/page.header.tsx';
import classes from './home.module.css';

/** An installation without stock: the three steps to the first number, each by hand or from a shell. */
export function FirstSteps() {
  const locations = useGet('/api/v1/locations', { query: { limit: 1 } });
  const products = useGet('/api/v1/products', { query: { limit: 1 } });
  const hasLocation = (locations.data?.items.length ?? 0) > 0;
  const sku = products.data?.items[0]?.sku;
  const steps = [
    {
      title: 'Say where stock is',
      text: 'A warehouse, a store, a van: every number belongs to a place.',
      link: <Link to="/locations">Make a location</Link>,
      isDone: hasLocation,
      curl: { method: 'POST', path: '/api/v1/locations', body: { code: 'WH001', name: 'Main', type: 'warehouse' } },
    },
    {
      title: 'Say what is stocked',
      text: 'One product by hand, or a whole catalog from a CSV file.',
      link: <Link to="/products">Make or import products</Link>,
      isDone: sku !== undefined,
      curl: { method: 'POST', path: '/api/v1/products', body: { sku: 'MUG', name: 'Mug, blue', reorderPoint: 10 } },
    },
    {
      title: 'Receive the first units',
      text: 'From then on the ledger explains every number.',
      link: sku !== undefined && hasLocation && (
        <>
          Adjust does it, on the page of <Link to={pathOf('/inventory', sku)}>{sku}</Link>.
        </>
      ),
      isDone: false,
      curl: {
        method: 'POST',
        path: `/api/v1/inventory/${encodeURIComponent(sku ?? 'MUG')}/adjust`,
        body: { location: locations.data?.items[0]?.code ?? 'WH001', type: 'add', quantity: 12, movement: 'receipt' },
      },
    },
  ];
  return (
    <>
      <PageHeader title="Home" about="Nothing is stocked yet. Three steps, and this page shows it live." />
      <ol className={classes['steps']}>
        {steps.map(({ title, text, link, isDone, curl }, index) => (
          <li key={title} className={classes['step']}>
            <span className={classes['stepMark']}>{isDone ? <Icon name="check" size={16} /> : index + 1}</span>
            <div className={classes['stepBody']}>
              <h2>{title}</h2>
              <p className={classes['nothing']}>
                {text} {link}
              </p>
              <CopyLine text={curlLine(curl)} label={`Copy the command: ${title}`} />
            </div>
          </li>
        ))}
      </ol>
      <p className={classes['nothing']}>Or replay days of real orders of a wholesaler, to look around:</p>
      <CopyLine text={`npx holdfast demo --url ${location.origin}`} label="Copy the command of the demo" />
    </>
  );
}
