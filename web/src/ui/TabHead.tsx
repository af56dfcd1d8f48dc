import type { ReactNode } from 'react';

/** What a tab is for, and what can be done there. */
export function TabHead({ lead, action }: { lead: string; action?: ReactNode }) {
  return (
    <div style={{ display: 'flex', gap: '8px 16px', flexWrap: 'wrap', alignItems: 'flex-start', padding: '0 18px 10px' }}>
      <p className="muted" style={{ flex: '1 1 300px', margin: 0 }}>{lead}</p>
      {action}
    </div>
  );
}
