/** Where the launcher writes what it did and what it found. */
export type EmbeddedLog = (level: 'info' | 'warn' | 'error', message: string, extra?: object) => void;

export interface EmbeddedOptions {
  /** PostgreSQL keeps its files in `<dataDir>/postgres`. Made when missing. */
  dataDir: string;
  log: EmbeddedLog;
  /** Extra postgresql.conf settings; they win over Holdfast's own. */
  settings?: Record<string, string>;
  /** false: do not restart a postmaster that died. */
  supervise?: boolean;
}

export interface EmbeddedPostgres {
  /** What pg.Client needs; `host` is the directory of the Unix socket. */
  connection: { host: string; port: number; user: string; database: string } & typeof OF_NOBODY_ELSE;
  /** The same as a postgresql:// URL, with the socket's directory as its `host` parameter. */
  connectionString: string;
  /** The directory that really holds the data, normally the one asked for. */
  dataDir: string;
  /** true: PostgreSQL was already running when we came. */
  adopted: boolean;
  /** Ends within about 6 s; see the two ways to start for what it stops. Calling it twice is harmless. */
  stop(): Promise<void>;
  /** The pid of the postmaster now. */
  pid(): number;
  /** Called after a lost postmaster (or a crash of all its sessions) was replaced and answers again. */
  onRestart(callback: () => void): void;
}

/** An account that PostgreSQL runs as when we are root; undefined means "as ourselves". */
export interface Account {
  uid: number;
  gid: number;
  name: string;
}

/** What the launcher takes from its surroundings; tests put others in. */
export interface Surroundings {
  /** The unpacked npm package's `native` folder; undefined when this platform has none. */
  nativeDir: string | undefined;
  /** Whether a PostgreSQL of the machine may serve when the package cannot. */
  searchMachine: boolean;
  /** Where root keeps what PostgreSQL's account must reach. */
  systemHome: string;
  /** Where sockets go whose own directory has too long a path. */
  temporaryDir: string;
}

/** One data directory, with everything that was found out about it. */
export interface Cluster {
  /** Holds `postgres/`, `run/` and `postgres.log`. */
  home: string;
  /** PGDATA: `<home>/postgres`. */
  pgdata: string;
  account: Account | undefined;
  settings: Record<string, string>;
  surroundings: Surroundings;
  log: EmbeddedLog;
}

export const DATABASE = 'holdfast';
export const SUPERUSER = 'holdfast';
/**
 * Each would else be taken from a PG* variable of the person who started us, which is for another database; so would one
 * that is empty.
 */
export const OF_NOBODY_ELSE = { password: ' ', ssl: false, sslnegotiation: 'postgres', options: ' ' } as const;
/** Only a part of the socket's name: nothing listens on TCP. */
export const PORT = 5432;
export const OLDEST_MAJOR = 15;
