import { SegmentedControl } from '@mantine/core';
import type { ReactNode } from 'react';
import { Seal } from '../../components/Seal';
import { useTexts } from '../../i18n';
import { type Language, setPreferences } from '../../stores/preferences';
import classes from './SignInPage.module.css';

/** The quiet page around what comes before the archive itself. */
export function Threshold({ title, lead, children }: { title: string; lead: string; children: ReactNode }) {
  const { t, language } = useTexts();
  return (
    <div className={classes.page}>
      <main className={classes.card}>
        <div className={classes.head}>
          <Seal size={40} />
          <h1 className={classes.title}>{title}</h1>
          <p className={classes.lead}>{lead}</p>
        </div>
        {children}
      </main>
      <footer className={classes.foot}>
        <SegmentedControl size="xs" aria-label={t('menu.language')} value={language} onChange={(value) => setPreferences({ language: value as Language })} data={[{ value: 'de', label: 'Deutsch' }, { value: 'en', label: 'English' }]} />
      </footer>
    </div>
  );
}
