export type SettingKind = 'bytes' | 'flag' | 'list' | 'number' | 'secret' | 'text' | readonly string[];

export interface Setting {
  /** As the API names it, such as `smtp.hostName`. */
  path: SettingPath;
  kind: SettingKind;
}

export interface Section {
  name: 'http' | 'log' | 'metrics' | 'notifications' | 'smtp' | 'spool' | 'tls';
  settings: readonly Setting[];
}

export type SettingPath = (typeof PATHS)[number][0];

const PATHS = [
  ['smtp.hostName', 'text'],
  ['smtp.listen', 'list'],
  ['smtp.requireTls', 'flag'],
  ['smtp.allowedNetworks', 'list'],
  ['smtp.messageSizeBytesMax', 'bytes'],
  ['smtp.recipientsMax', 'number'],
  ['smtp.connectionsMax', 'number'],
  ['smtp.connectionsPerNetworkMax', 'number'],
  ['smtp.idleSecondsMax', 'number'],
  ['smtp.dataSecondsMax', 'number'],
  ['smtp.sessionSecondsMax', 'number'],
  ['smtp.errorsMax', 'number'],
  ['tls.certificate', 'text'],
  ['tls.key', 'text'],
  ['http.publicUrl', 'text'],
  ['http.listen', 'list'],
  ['http.tls', 'flag'],
  ['notifications.smarthost.host', 'text'],
  ['notifications.smarthost.port', 'number'],
  ['notifications.smarthost.security', ['starttls', 'tls', 'none']],
  ['notifications.smarthost.user', 'text'],
  ['notifications.smarthost.password', 'secret'],
  ['notifications.from', 'text'],
  ['notifications.to', 'list'],
  ['notifications.language', ['de', 'en']],
  ['notifications.diskFreeBytesMin', 'bytes'],
  ['notifications.queueMailsMax', 'number'],
  ['notifications.queueSecondsMax', 'number'],
  ['notifications.quarantinePerHourMax', 'number'],
  ['notifications.indexLagMax', 'number'],
  ['notifications.sourceSilentHoursMax', 'number'],
  ['spool.bytesMax', 'bytes'],
  ['spool.freeBytesMin', 'bytes'],
  ['log.retentionDays', 'number'],
  ['log.folder', 'text'],
  ['log.format', ['text', 'json']],
  ['metrics.allowedNetworks', 'list'],
  ['metrics.token', 'secret'],
] as const;

/** The sections of the page in their order. */
export const SECTIONS: readonly Section[] = (['smtp', 'tls', 'http', 'notifications', 'spool', 'log', 'metrics'] as const).map((name) => ({
  name,
  settings: PATHS.filter(([path]) => path.startsWith(`${name}.`)).map(([path, kind]) => ({ path, kind })),
}));

/** The value at a path such as `smtp.hostName`. */
export function valueAt(settings: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => (typeof value === 'object' && value ? (value as Record<string, unknown>)[key] : undefined), settings);
}

/** The smallest JSON merge patch (RFC 7396) that sets these values. */
export function patchOf(changes: Record<string, unknown>): object {
  const patch: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(changes)) {
    const keys = path.split('.');
    const last = keys.pop() ?? '';
    let place = patch;
    for (const key of keys) place = (place[key] ??= {}) as Record<string, unknown>;
    place[last] = value;
  }
  return patch;
}
