import { queryOptions } from '@tanstack/react-query';
import { api, type Schemas, unwrap } from './client';

interface Any { not?: boolean; anyOf: string[] }

/** A condition by its kind; the description of the API has the members of all kinds in one. */
export type Clause =
  | (Any & { kind: 'attachment-type' | 'class' | 'domain' | 'folder' | 'mailbox' | 'recipient' | 'sender' | 'source' | 'subject' | 'tag' })
  | (Any & { kind: 'direction' })
  | { kind: 'query'; not?: boolean; text: string }
  | { kind: 'received'; not?: boolean; from?: string | null; through?: string | null }
  | { kind: 'size'; not?: boolean; atLeast?: number | null; atMost?: number | null };
export type Period = Schemas['RetentionPeriod'];
export type RetentionPolicy = Omit<Schemas['RetentionPolicy'], 'begins' | 'clauses' | 'from'> & { begins?: 'at-event' | 'at-year-end'; clauses?: Clause[]; from?: 'receipt' | 'sending' };
export type SetDraft = Omit<Schemas['RetentionDraft'], 'policies'> & { policies: RetentionPolicy[] };
export type RetentionVersion = Omit<Schemas['RetentionVersion'], 'policies'> & { policies: RetentionPolicy[] };
export type ReadySet = Omit<Schemas['ReadyRetentionSet'], 'policies'> & { policies: RetentionPolicy[] };
export type Exclusion = Omit<Schemas['RetentionExclusion'], 'clauses'> & { clauses?: Clause[] };
export type Suspension = Schemas['RetentionSuspension'];

/** What one version says of all mail. */
export interface Survey {
  mails: number;
  bytes: number;
  undetermined: number;
  keptForEver: number;
  due: number;
  dueBytes: number;
  overdue: number;
  dueHeld: number;
  dueSuspended: number;
  classes: { class: string; mails: number; bytes: number; firstEnd: string | null; lastEnd: string | null; suspended: boolean }[];
  months: { month: string; mails: number; bytes: number }[];
}

/** What a draft would change. */
export interface Preview {
  now: Survey;
  then: Survey;
  changed: number;
  earlier: number;
  later: number;
  newlyDue: number;
  newlyDueHeld: number;
  noLongerDue: number;
}

const WAIT_MS = 1_000;

export const retentionQuery = queryOptions({
  queryKey: ['retention', 'policies'],
  queryFn: async ({ signal }) => {
    const answer = await unwrap(api.GET('/api/v1/retention/policies', { signal }));
    return { ...answer, versions: answer.versions as RetentionVersion[] };
  },
});
/** Named in this language. */
export const readySetsQuery = (language: string) => queryOptions({ queryKey: ['retention', 'ready', language], queryFn: async ({ signal }) => (await unwrap(api.GET('/api/v1/retention/ready-sets', { params: { query: { language } }, signal }))).sets as ReadySet[], staleTime: Infinity });
export const exclusionsQuery = queryOptions({
  queryKey: ['retention', 'exclusions'],
  queryFn: async ({ signal }) => {
    const answer = await unwrap(api.GET('/api/v1/retention/exclusions', { signal }));
    return { ...answer, rules: answer.rules as Exclusion[] };
  },
});
/** The last survey of what is in force. */
export const calendarQuery = queryOptions({ queryKey: ['retention', 'calendar'], queryFn: ({ signal }) => unwrap(api.GET('/api/v1/retention/calendar', { signal })) });

export const addVersion = (draft: SetDraft) => unwrap(api.POST('/api/v1/retention/policies', { body: draft as Schemas['RetentionDraft'] }));
/** Waits until a survey has come to its end. */
async function ended(survey: Schemas['RetentionSurvey']): Promise<Schemas['RetentionSurvey']> {
  let now = survey;
  while (now.state === 'waiting') {
    await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
    now = await unwrap(api.GET('/api/v1/retention/surveys/{survey}', { params: { path: { survey: survey.id } } }));
  }
  if (now.state === 'failed' || !now.result) throw new Error(now.error ?? 'no result');
  return now;
}

/** Has all mails counted, and waits for it. */
export const askSurvey = async () => ended(await unwrap(api.POST('/api/v1/retention/surveys', { body: {} })));
/** Asks for the effect of a draft, and waits for it. */
export const previewDraft = async (draft: SetDraft) => (await ended(await unwrap(api.POST('/api/v1/retention/surveys', { body: { draft: draft as Schemas['RetentionDraft'] } })))).result as unknown as Preview;
export const suspendClass = (name: string, reason: string) => unwrap(api.POST('/api/v1/retention/suspensions', { body: { class: name, reason } }));
export const resumeClass = (name: string, reason: string) => unwrap(api.POST('/api/v1/retention/suspensions/end', { body: { class: name, reason } }));
export const setExclusions = (rules: Exclusion[], warningAccepted: boolean, reason: string) => unwrap(api.PUT('/api/v1/retention/exclusions', { body: { rules: rules as Schemas['RetentionExclusion'][], warningAccepted, reason } }));
