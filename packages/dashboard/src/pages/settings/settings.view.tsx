import { Skeleton } from '@mantine/core';
import { useGet, type Answer } from '../../api/queries.ts';
import { useSession } from '../../api/use.session.ts';
import { Fact, Facts } from '../../ui/facts.tsx';
import { formatCount } from '../../ui/num.tsx';
import { PageHeader } from '../../ui/page.header.tsx';
import { ProblemNotice } from '../../ui/problem.notice.tsx';
import { OwnPassword } from './own.password.tsx';
import { OwnSessions } from './own.sessions.tsx';
import classes from './settings.module.css';

type Settings = Answer<'/api/v1/settings'>;

const SOURCE_WORDS = {
  flag: 'a flag',
  environment: 'the environment',
  default: 'the default',
  unset: 'not set',
} as const;

/** What the server runs with, and where each value came from; and one's own password and sessions. */
export function SettingsView() {
  const session = useSession();
  const { data, error, refetch } = useGet('/api/v1/settings');
  return (
    <>
      <PageHeader title="Settings" about="Set when the server starts, by environment variables or flags." />
      {error !== null && data === undefined && <ProblemNotice error={error} onRetry={() => void refetch()} />}
      {data === undefined ? error === null && <Skeleton height={300} /> : <Shown settings={data} />}
      {session?.mode === 'person' && (
        <>
          {session.personId !== null && <OwnPassword personId={session.personId} />}
          <OwnSessions />
        </>
      )}
    </>
  );
}

function Shown({ settings }: { settings: Settings }) {
  return (
    <>
      <Facts>
        <Fact label="Version">{settings.version}</Fact>
        <Fact label="Currency">{settings.currency}</Fact>
        <Fact label="A hold lasts">
          {formatCount(settings.reservationTtlSeconds / 60, 'minute')}, where its request does not say
        </Fact>
        {settings.database !== null && (
          <Fact label="Database">
            {settings.database === 'embedded' ? 'PostgreSQL that Holdfast runs itself' : 'a PostgreSQL of your own'}
          </Fact>
        )}
        <Fact label="Tokens">{settings.tokens ? 'of your identity provider are taken' : 'none are taken'}</Fact>
      </Facts>
      {settings.settings !== null && <Table settings={settings.settings} />}
    </>
  );
}

function Table({ settings }: { settings: NonNullable<Settings['settings']> }) {
  return (
    <div className={classes['scroll']} tabIndex={0} role="group" aria-label="All settings">
      <table className={classes['table']}>
        <thead>
          <tr>
            <th scope="col">Variable</th>
            <th scope="col">Value</th>
            <th scope="col">From</th>
            <th scope="col">What it is</th>
          </tr>
        </thead>
        <tbody>
          {settings.map(({ name, value, source, secret, description }) => (
            <tr key={name} data-given={source === 'flag' || source === 'environment' || undefined}>
              <th scope="row">
                <code>{name}</code>
              </th>
              <td>{secret ? (source === 'unset' ? '–' : 'set, and not shown') : (value ?? '–')}</td>
              <td>{SOURCE_WORDS[source]}</td>
              <td>{description}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
