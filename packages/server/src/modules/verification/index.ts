export { CHECKS, type Check, type Difference, type VerificationReport } from './verification.report.ts';
export { verify, type Progress, type VerificationOptions } from './verification.service.ts';
