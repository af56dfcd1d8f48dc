import type { Preview } from '../../api/retention';
import { useTexts } from '../../i18n';
import { Note } from '../../ui/Badge';
import { Facts } from '../../ui/Page';
import { SurveyTables } from './SurveyTables';

/** What a version would change: how many mails, which way, and what holds keep all the same. */
export function Effect({ preview }: { preview: Preview }) {
  const { t, n, number } = useTexts();
  return (
    <>
      {preview.changed === 0 ? <Note tone="good">{t('effect.nothing')}</Note> : <Note tone={preview.newlyDue > 0 ? 'warn' : 'info'}>{preview.newlyDue > 0 ? n('effect.newlyDue', preview.newlyDue) : n('effect.changed', preview.changed)}</Note>}
      <Facts
        facts={[
          [t('effect.of'), number(preview.then.mails)],
          [t('effect.differ'), number(preview.changed)],
          [t('effect.earlier'), number(preview.earlier)],
          [t('effect.later'), number(preview.later)],
          [t('effect.due'), `${number(preview.now.due)} → ${number(preview.then.due)}`],
          [t('effect.noLongerDue'), number(preview.noLongerDue)],
          [t('effect.held'), number(preview.newlyDueHeld)],
          [t('effect.undetermined'), `${number(preview.now.undetermined)} → ${number(preview.then.undetermined)}`],
        ]}
      />
      <SurveyTables survey={preview.then} />
    </>
  );
}
