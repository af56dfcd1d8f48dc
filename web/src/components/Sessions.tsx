import { Button } from '@mantine/core';
import type { OpenSession } from '../api/sign-in';
import { useTexts } from '../i18n';
import { Badge } from '../ui/Badge';
import { DataTable } from '../ui/DataTable';

/** The browser and system that an agent names, as far as people care. */
export function agentName(agent: string): string {
  const browser = /Edg\//.test(agent) ? 'Edge' : /Firefox\//.test(agent) ? 'Firefox' : /Chrome\//.test(agent) ? 'Chrome' : /Safari\//.test(agent) ? 'Safari' : '';
  const system = /Windows/.test(agent) ? 'Windows' : /Android/.test(agent) ? 'Android' : /iPhone|iPad/.test(agent) ? 'iOS' : /Mac OS/.test(agent) ? 'macOS' : /Linux/.test(agent) ? 'Linux' : '';
  return [browser, system].filter(Boolean).join(' · ') || agent || '–';
}

/** Browsers that are signed in. */
export function Sessions({ sessions, onEnd }: { sessions: readonly OpenSession[] | undefined; onEnd?: (session: OpenSession) => void }) {
  const { t, relative, stamp, date } = useTexts();
  return (
    <DataTable
      label={t('profile.sessions')}
      rows={sessions}
      rowKey={(session) => session.id}
      ghosts={2}
      empty={<p className="muted" style={{ padding: '0 18px 14px' }}>{t('profile.noSessions')}</p>}
      columns={[
        { title: t('profile.browser'), header: true, cell: (session) => <span title={session.agent}>{agentName(session.agent)} {session.current && <Badge tone="good">{t('profile.current')}</Badge>}</span> },
        { title: t('profile.ip'), cell: (session) => session.ip ?? '–' },
        { title: t('profile.method'), cell: (session) => t(`profile.method.${session.method}`) },
        { title: t('profile.lastSeen'), cell: (session) => <time dateTime={session.lastSeenAt} title={date(session.lastSeenAt)}>{relative(session.lastSeenAt)}</time> },
        { title: t('profile.signedInAt'), cell: (session) => stamp(session.createdAt) },
        onEnd && { title: t('table.actions'), actions: true, cell: (session) => !session.current && <Button variant="subtle" color="red" onClick={() => onEnd(session)}>{t('profile.endSession')}</Button> },
      ]}
    />
  );
}
