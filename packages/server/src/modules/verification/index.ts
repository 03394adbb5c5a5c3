export { CHECKS, type Check, type Difference, type VerificationReport } from './verification.report.ts';
export { verify, type VerificationOptions, type VerificationProgress } from './verification.service.ts';
