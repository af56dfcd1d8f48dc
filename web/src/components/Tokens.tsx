import { Button } from '@mantine/core';
import type { ApiToken } from '../api/sign-in';
import { type Key, useTexts } from '../i18n';
import { Badge } from '../ui/Badge';
import { DataTable } from '../ui/DataTable';

/** Rights of programs to act as an account. */
export function Tokens({ tokens, onEnd }: { tokens: readonly ApiToken[] | undefined; onEnd: (token: ApiToken) => void }) {
  const { t, stamp, day, relative } = useTexts();
  return (
    <DataTable
      label={t('profile.tokens')}
      rows={tokens}
      rowKey={(token) => token.id}
      ghosts={2}
      empty={<p className="muted" style={{ padding: '0 18px 14px' }}>{t('profile.noTokens')}</p>}
      columns={[
        { title: t('profile.tokenName'), header: true, cell: (token) => <div>{token.name}<div className="mono muted">{token.prefix}…</div></div> },
        { title: t('profile.scopes'), cell: (token) => <div>{token.scopes.map((scope) => t(`permission.${scope}` as Key)).join(', ')}{token.readOnly && <div><Badge tone="info">{t('profile.readOnly')}</Badge></div>}</div> },
        { title: t('profile.expires'), cell: (token) => (new Date(token.expiresAt).getTime() < Date.now() ? <Badge tone="bad">{t('status.expired')}</Badge> : day(token.expiresAt)) },
        { title: t('profile.lastUsed'), cell: (token) => (token.lastUsedAt ? <span title={stamp(token.lastUsedAt)}>{relative(token.lastUsedAt)}</span> : <span className="muted">{t('sources.never')}</span>) },
        { title: t('table.actions'), actions: true, cell: (token) => <Button variant="subtle" color="red" onClick={() => onEnd(token)}>{t('profile.endToken')}</Button> },
      ]}
    />
  );
}
