import type { BadRequest } from './bad-request.ts';
import { type Fixture, UNKNOWN_ID } from './valid.requests.ts';

const hook = { url: 'https://93.184.216.34/hooks' };
const job = { name: 'Hook', type: 'http_request', config: hook };

/** Jobs and runs that are not there, and what those that are do not allow. */
export function jobRefusals({ jobId, laterJobId, dutyJobId, runId }: Fixture): BadRequest[] {
  const of =
    (method: string) =>
    (path: string, body: unknown, answer: string, why = answer): BadRequest => ({
      request: `${method} /api/v1${path}`,
      why,
      body,
      answer,
    });
  const [post, patch] = [of('POST'), of('PATCH')];
  const plain = (method: string, path: string, answer: string): BadRequest => ({
    request: `${method} /api/v1${path}`,
    why: answer,
    answer,
  });
  const INVALID = '400 validation_failed';
  return [
    ...['', '/history'].map((what) => plain('GET', `/jobs/${UNKNOWN_ID}${what}`, '404 job_not_found')),
    patch(`/jobs/${UNKNOWN_ID}`, { retries: 5 }, '404 job_not_found'),
    plain('DELETE', `/jobs/${UNKNOWN_ID}`, '404 job_not_found'),
    post(`/jobs/${UNKNOWN_ID}/run`, {}, '404 job_not_found'),
    ...['', '/log', '/files/stock.csv'].map((what) => plain('GET', `/runs/${UNKNOWN_ID}${what}`, '404 run_not_found')),
    ...['cancel', 'redrive', 'release'].map((what) =>
      plain('POST', `/runs/${UNKNOWN_ID}/${what}`, '404 run_not_found'),
    ),
    ...['stock.csv', '..%2f..%2fetc%2fpasswd', "'%20OR%20true"].map((name) =>
      plain('GET', `/runs/${runId}/files/${name}`, '404 run_file_not_found'),
    ),
    plain('POST', `/runs/${runId}/redrive`, '409 run_not_failed'),
    plain('POST', `/runs/${runId}/release`, '409 run_not_held'),
    post('/jobs', { ...job, name: 'Call' }, '409 job_name_taken'),
    patch(`/jobs/${laterJobId}`, { name: 'Call' }, '409 job_name_taken'),
    patch(`/jobs/${jobId}`, { dependencies: [laterJobId] }, '409 dependency_cycle'),
    patch(`/jobs/${jobId}`, { dependencies: [jobId] }, '409 dependency_cycle', 'waiting for itself'),
    patch(`/jobs/${jobId}`, { dependencies: [dutyJobId] }, INVALID, 'waiting for what never ends'),
    plain('DELETE', `/jobs/${jobId}`, '409 job_has_dependents'),
    plain('DELETE', `/jobs/${dutyJobId}`, '409 job_is_system'),
    patch(`/jobs/${dutyJobId}`, { enabled: false }, '409 job_is_system'),
    post(`/jobs/${dutyJobId}/run`, {}, '409 job_is_system'),
    patch(`/jobs/${jobId}`, { config: { url: 5 } }, INVALID, 'a config that the type does not take'),
    patch(`/jobs/${laterJobId}`, { schedule: '30 2 * * *' }, INVALID, 'a schedule beside dependencies'),
    post(`/jobs/${jobId}/run`, { config: { url: '' } }, INVALID, 'a config that the type does not take'),
    post(`/jobs/${jobId}/run`, { at: '2020-01-01T00:00:00Z' }, INVALID, 'the past'),
    post(`/jobs/${jobId}/run`, { at: '2999-01-01T00:00:00Z' }, INVALID, 'a time beyond a year'),
    post(`/jobs/${jobId}/run`, { at: '2027-01-01T00:00:00Z', delayMs: 5 }, INVALID, 'a time and a delay'),
    ...['http://127.0.0.1/', 'http://[::1]/', 'http://169.254.169.254/latest', 'http://2130706433/'].flatMap((url) => [
      post('/jobs', { ...job, config: { url } }, '400 forbidden_target', url),
      patch(`/jobs/${jobId}`, { config: { url } }, '400 forbidden_target', url),
      post(`/jobs/${jobId}/run`, { config: { url } }, '400 forbidden_target', url),
    ]),
    ...(['PATCH', 'DELETE'] as const).map((method) => ({
      request: `${method} /api/v1/jobs/${laterJobId}`,
      why: 'another version',
      ...(method === 'PATCH' ? { body: { retries: 5 } } : {}),
      headers: [['If-Match', '"99"'] as const],
      answer: '412 precondition_failed',
    })),
  ];
}
