import { Modal } from '@mantine/core';
import { Fragment } from 'react';
import { type Key, useTexts } from '../i18n';
import classes from './HelpDialog.module.css';

const KEYS: [string[], Key][] = [
  [['/'], 'help.key.search'],
  [['j', '↓'], 'help.key.next'],
  [['k', '↑'], 'help.key.previous'],
  [['Enter'], 'help.key.open'],
  [['o', 'e'], 'help.key.download'],
  [['x', '⎵'], 'help.key.mark'],
  [['f'], 'help.key.filters'],
  [['d'], 'help.key.density'],
  [['Esc'], 'help.key.escape'],
  [['?'], 'help.key.help'],
];

const OPERATORS: [string, Key][] = [
  ['rechnung april', 'help.op.words'],
  ['"final offer"', 'help.op.phrase'],
  ['rech*', 'help.op.prefix'],
  ['from: to: cc: bcc:', 'help.op.people'],
  ['with:anna@example.com', 'help.op.with'],
  ['subject: body:', 'help.op.fields'],
  ['attachment:pdf', 'help.op.attachment'],
  ['has:attachment', 'help.op.has'],
  ['larger:10M', 'help.op.larger'],
  ['before: after: on:2025-03-14', 'help.op.dates'],
  ['source: id:', 'help.op.source'],
  ['AND OR NOT ( )', 'help.op.logic'],
];

/** All keys and the whole query language on one screen. */
export function HelpDialog({ opened, onClose, search }: { opened: boolean; onClose: () => void; search: boolean }) {
  const { t } = useTexts();
  return (
    <Modal opened={opened} onClose={onClose} title={t('help.title')} size={search ? 760 : 440} closeButtonProps={{ 'aria-label': t('form.close') }}>
      <div className={classes.columns}>
        <section>
          <h3 className={classes.heading}>{t('help.keys')}</h3>
          <dl className={classes.list}>
            {KEYS.filter(([keys]) => search || ['?', 'Esc'].includes(keys[0] ?? '')).map(([keys, text]) => (
              <Fragment key={text}>
                <dt>{keys.map((key) => <kbd key={key} className={classes.key}>{key}</kbd>)}</dt>
                <dd>{t(text)}</dd>
              </Fragment>
            ))}
          </dl>
        </section>
        {search && (
          <section>
            <h3 className={classes.heading}>{t('help.operators')}</h3>
            <dl className={classes.list}>
              {OPERATORS.map(([example, text]) => (
                <Fragment key={example}>
                  <dt><code className={classes.code}>{example}</code></dt>
                  <dd>{t(text)}</dd>
                </Fragment>
              ))}
            </dl>
            <p className={classes.note}>{t('help.folding')}</p>
          </section>
        )}
      </div>
    </Modal>
  );
}
