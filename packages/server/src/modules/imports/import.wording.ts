/** What would help, in the words of the one who asked: flags of the command line, members of a job's config. */
export interface Wording {
  column: (field: string) => string;
  update: string;
  force: string;
  /** Imports the same content once more, beside what was done. */
  again: string;
}

export const FLAGS: Wording = {
  column: (field) => `--map ${field}=<column>`,
  update: '--update',
  force: '--force',
  again: 'give that a name: --again <name>',
};

export const JOB_CONFIG: Wording = {
  column: (field) => `"columns": {"${field}": "<column>"}`,
  update: '"updates": true',
  force: '"force": true',
  again: 'run the job again',
};
