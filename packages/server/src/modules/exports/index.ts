export {
  ExportRefused,
  exportText,
  type ExportFormat,
  type ExportOptions,
  type ExportRequest,
} from './export.service.ts';
