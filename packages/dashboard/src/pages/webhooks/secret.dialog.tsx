import { CopyLine } from '../../ui/copy.line.tsx';
import { ShownOnce } from '../../ui/shown.once.tsx';

/** A secret, this once. */
export function SecretDialog({ secret, onClose }: { secret: string; onClose: () => void }) {
  return (
    <ShownOnce title="Copy the secret now" onClose={onClose}>
      <p>The receiver checks by it that a request comes from here. It is not shown again; you can make a new one.</p>
      <CopyLine text={secret} label="Copy the secret" />
    </ShownOnce>
  );
}
