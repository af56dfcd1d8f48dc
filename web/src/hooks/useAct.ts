import { useSay } from './useSay';
import { type QueryKey, useMutation, useQueryClient } from '@tanstack/react-query';
import { problemText } from '../components/problem';
import { useTexts } from '../i18n';

/** An act without a form of its own: says how it went and asks the lists again. */
export function useAct<V = void, R = unknown>(act: (value: V) => Promise<R>, { done, refresh = [], onDone }: { done?: string; refresh?: QueryKey[]; onDone?: (result: R) => void } = {}) {
  const texts = useTexts();
  const say = useSay();
  const client = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSuccess: (result) => {
      if (done) say(done, { color: 'green' });
      onDone?.(result);
    },
    onError: (error) => say(problemText(error, texts), { color: 'red', autoClose: 8_000 }),
    onSettled: () => Promise.all(refresh.map((queryKey) => client.invalidateQueries({ queryKey }))),
  });
}
