import { Button } from '@mantine/core';
import { holdfast } from '../../api/holdfast.ts';
import type { Item } from '../../api/queries.ts';
import { useCommand } from '../../api/use.command.tsx';
import { useMay } from '../../api/use.session.ts';
import { Link, pathOf } from '../../ui/link.tsx';
import { Num } from '../../ui/num.tsx';
import { ShortTable } from '../../ui/short.table.tsx';
import { Moment } from '../../ui/time.tsx';
import classes from './transfers.module.css';

export type Transfer = Item<'/api/v1/transfers'>;

export const titleOf = ({ from, to }: Transfer): string => `${from} → ${to}`;

export function TransferDetail({ transfer }: { transfer: Transfer }) {
  return (
    <>
      <ShortTable>
        <thead>
          <tr>
            <th scope="col">Product</th>
            <th scope="col" data-number>
              Units
            </th>
          </tr>
        </thead>
        <tbody>
          {transfer.lines.map(({ sku, quantity }, index) => (
            // Lines keep their places, and may be alike.
            <tr key={index}>
              <td>
                <Link to={pathOf('/inventory', sku)}>{sku}</Link>
              </td>
              <td data-number>
                <Num value={quantity} />
              </td>
            </tr>
          ))}
        </tbody>
      </ShortTable>
      <p className={classes['about']}>
        <Moment at={transfer.createdAt} />,{' '}
        <Link to="/ledger" search={{ referenceType: 'transfer', referenceId: transfer.id }}>
          its movements in the ledger
        </Link>
      </p>
      <TakeBack transfer={transfer} />
    </>
  );
}

/** A transfer the other way: what was moved since cannot be undone by forgetting it. */
function TakeBack({ transfer }: { transfer: Transfer }) {
  const mayMove = useMay('stock');
  const { id, from, to, lines } = transfer;
  const back = useCommand({
    run: () =>
      holdfast.POST('/api/v1/transfers', {
        body: {
          from: to,
          to: from,
          lines: lines.map(({ sku, quantity }) => ({ sku, quantity })),
          reference: { type: 'transfer', id },
        },
      }),
    done: () => `Moved back from ${to} to ${from}`,
    stale: ['/api/v1/transfers'],
  });
  if (!mayMove) return null;
  return (
    <Button variant="default" loading={back.isPending} onClick={() => back.mutate()}>
      Move it back
    </Button>
  );
}
