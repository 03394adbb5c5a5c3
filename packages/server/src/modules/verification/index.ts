export type { Check, Difference, VerificationReport } from './verification.report.ts';
export { verify, type VerificationOptions, type VerificationProgress } from './verification.service.ts';
export { verificationJobTypes } from './verification.job.ts';
