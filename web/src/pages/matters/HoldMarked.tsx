import '../../i18n/console';
import type { Matter } from '../../api/matters';
import { MatterForm } from './MatterForm';

/** A matter about mails that were marked one by one; their hold is placed on its page. */
export function HoldMarked({ query, close, onDone }: { query: string; close: () => void; onDone: (matter: Matter) => void }) {
  return <MatterForm matter={null} about={{ query, unsearchable: false }} close={close} onDone={onDone} />;
}
