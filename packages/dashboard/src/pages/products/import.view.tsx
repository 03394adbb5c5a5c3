import { useMemo, useRef, useState } from 'react';
import { useQueryClient } from '@tanstack/react-query';
import { Button, FileButton, Progress, Select } from '@mantine/core';
import '@mantine/core/styles/Progress.css';
import { useLocations } from '../../api/use.locations.ts';
import { ButtonRow } from '../../ui/button.row.tsx';
import { downloadText } from '../../ui/download.ts';
import { EmptyState } from '../../ui/empty.state.tsx';
import { Icon } from '../../ui/icon.tsx';
import { Link } from '../../ui/link.tsx';
import { Num } from '../../ui/num.tsx';
import { PageHeader } from '../../ui/page.header.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { ShortTable } from '../../ui/short.table.tsx';
import type { CsvRead } from './csv.worker.ts';
import {
  FIELDS,
  guessMapping,
  planImport,
  refusedCsv,
  type Mapping,
  type Plan,
  type RefusedRow,
} from './import.rules.ts';
import { runImport, type ImportProgress } from './import.run.ts';
import { readCsv } from './read.csv.ts';
import classes from './products.module.css';

/** Products from a file: which column is what, what will happen, and then what did. */
export function ImportView() {
  const [file, setFile] = useState<{ name: string; read: CsvRead } | null>(null);
  const [error, setError] = useState<unknown>(null);
  const choose = async (chosen: File | null): Promise<void> => {
    if (chosen === null) return;
    setError(null);
    try {
      setFile({ name: chosen.name, read: await readCsv(chosen) });
    } catch (failure) {
      setError(failure);
    }
  };
  const chooser = (
    <FileButton accept=".csv,text/csv,text/plain" onChange={(chosen) => void choose(chosen)}>
      {(props) => (
        <Button {...props} leftSection={<Icon name="upload" size={16} />}>
          {file === null ? 'Choose a file' : 'Another file'}
        </Button>
      )}
    </FileButton>
  );
  return (
    <>
      <PageHeader title="Import products" about={<Link to="/products">All products</Link>} actions={chooser} />
      {error !== null && <ProblemNotice error={error} />}
      {file === null ? <NoFile /> : <Import key={file.name} name={file.name} read={file.read} />}
    </>
  );
}

function Import({ name, read }: { name: string; read: CsvRead }) {
  const client = useQueryClient();
  const [mapping, setMapping] = useState<Mapping>(() => guessMapping(read.header));
  const [location, setLocation] = useState<string | null>(null);
  const [progress, setProgress] = useState<ImportProgress | null>(null);
  const [isRunning, setIsRunning] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const stop = useRef<AbortController | null>(null);
  const plan = useMemo(() => planImport(read.rows, mapping), [read, mapping]);
  const isReady = mapping.sku !== undefined && mapping.name !== undefined && plan.rows.length > 0;
  const run = async (): Promise<void> => {
    stop.current = new AbortController();
    setIsRunning(true);
    setError(null);
    try {
      setProgress(await runImport(plan.rows, location, stop.current.signal, setProgress));
    } catch (failure) {
      setError(failure);
    }
    setIsRunning(false);
    void client.invalidateQueries();
  };
  return (
    <>
      <p className={classes['said']}>
        <b>{name}</b>: <Num value={read.rows.length} /> rows.
      </p>
      <MappingForm header={read.header} mapping={mapping} onChange={setMapping} isDisabled={isRunning} />
      {mapping.opening !== undefined && <LocationChoice value={location} onChange={setLocation} />}
      <PlanShown plan={plan} />
      {error !== null && <ProblemNotice error={error} />}
      <ButtonRow>
        <Button disabled={!isReady || isRunning} onClick={() => void run()}>
          Import {plan.rows.length.toLocaleString()} products
        </Button>
        {isRunning && (
          <Button variant="default" onClick={() => stop.current?.abort()}>
            Stop
          </Button>
        )}
      </ButtonRow>
      {progress !== null && <Result progress={progress} total={plan.rows.length} refusedBefore={plan.refused} />}
    </>
  );
}

interface MappingFormProps {
  header: readonly string[];
  mapping: Mapping;
  onChange: (mapping: Mapping) => void;
  isDisabled: boolean;
}

function MappingForm({ header, mapping, onChange, isDisabled }: MappingFormProps) {
  const columns = header.map((title, index) => ({
    value: String(index),
    label: title === '' ? `Column ${index + 1}` : title,
  }));
  return (
    <fieldset className={classes['mapping']} disabled={isDisabled}>
      <legend>Which column is what?</legend>
      {FIELDS.map(({ name, label, isRequired }) => (
        <Select
          key={name}
          label={label}
          data={columns}
          placeholder="None"
          clearable={isRequired !== true}
          required={isRequired === true}
          value={mapping[name] === undefined ? null : String(mapping[name])}
          onChange={(value) => {
            const { [name]: _gone, ...others } = mapping;
            onChange(value === null ? others : { ...others, [name]: Number(value) });
          }}
        />
      ))}
    </fieldset>
  );
}

function LocationChoice({ value, onChange }: { value: string | null; onChange: (code: string | null) => void }) {
  const locations = useLocations();
  return (
    <Select
      label="Units on hand are at"
      description="None: only the products are made."
      clearable
      className={classes['place']}
      data={locations.map(({ code, name }) => ({ value: code, label: `${code} · ${name}` }))}
      value={value}
      onChange={onChange}
    />
  );
}

const SHOWN = 8;

function PlanShown({ plan }: { plan: Plan }) {
  return (
    <section aria-label="What would happen" className={classes['plan']} aria-live="polite">
      <p className={classes['said']}>
        <b>{plan.rows.length.toLocaleString()}</b> products would be made.{' '}
        {plan.repeated > 0 && `${plan.repeated.toLocaleString()} rows name one of them again. `}
        {plan.refused.length > 0 && `${plan.refused.length.toLocaleString()} cannot be read.`}
      </p>
      {plan.rows.length > 0 && (
        <ShortTable>
          <thead>
            <tr>
              <th scope="col">Row</th>
              <th scope="col">Sku</th>
              <th scope="col">Name</th>
              <th scope="col">Unit cost</th>
            </tr>
          </thead>
          <tbody>
            {plan.rows.slice(0, SHOWN).map(({ line, product }) => (
              <tr key={product.sku}>
                <td>{line}</td>
                <td>{product.sku}</td>
                <td>{product.name}</td>
                <td>{product.unitCost ?? '–'}</td>
              </tr>
            ))}
          </tbody>
        </ShortTable>
      )}
      <Refused rows={plan.refused} />
    </section>
  );
}

function Refused({ rows }: { rows: readonly RefusedRow[] }) {
  if (rows.length === 0) return null;
  return (
    <>
      <ul className={classes['refused']}>
        {rows.slice(0, SHOWN).map(({ line, sku, reason }) => (
          <li key={`${line} ${sku}`}>
            Row {line}
            {sku !== '' && `, ${sku}`}: {reason}
          </li>
        ))}
        {rows.length > SHOWN && <li>and {(rows.length - SHOWN).toLocaleString()} more</li>}
      </ul>
      <Button
        variant="default"
        leftSection={<Icon name="download" size={16} />}
        onClick={() => downloadText('refused-rows.csv', 'text/csv', refusedCsv(rows))}
      >
        Download the refused rows
      </Button>
    </>
  );
}

interface ResultProps {
  progress: ImportProgress;
  total: number;
  refusedBefore: readonly RefusedRow[];
}

function Result({ progress, total, refusedBefore }: ResultProps) {
  return (
    <section aria-label="Progress" className={classes['plan']}>
      <Progress
        value={total === 0 ? 0 : (progress.done / total) * 100}
        aria-label={`${progress.done} of ${total} rows`}
        mb={8}
      />
      <p className={classes['said']} role="status">
        {progress.done.toLocaleString()} of {total.toLocaleString()} done: {progress.made.toLocaleString()} made
        {progress.stocked > 0 && `, ${progress.stocked.toLocaleString()} stocked`}
        {progress.refused.length > 0 && `, ${progress.refused.length.toLocaleString()} refused by the server`}.
      </p>
      {progress.refused.length > 0 && <Refused rows={[...refusedBefore, ...progress.refused]} />}
    </section>
  );
}

function NoFile() {
  return (
    <EmptyState title="A CSV file, as your shop or your spreadsheet exports it" icon="upload">
      The first row holds the names of the columns. What each column is gets guessed, and you see what would happen
      before it does. A file that names a product on many rows, such as one of orders, makes it once.
    </EmptyState>
  );
}
