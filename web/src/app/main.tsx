import '../theme/styles';
import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider, useQuery } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { whenSignedOut } from '../api/client';
import { queryClient, sessionQuery } from '../api/queries';
import { LanguageProvider } from '../i18n';
import { theme } from '../theme/theme';
import { router } from './router';

const schemeManager = localStorageColorSchemeManager({ key: 'chancery.colour-scheme' });

// A session that ended elsewhere: back to the sign-in page, and from there to this very place.
whenSignedOut(() => {
  if (queryClient.getQueryData(sessionQuery.queryKey) === null) return;
  queryClient.setQueryData(sessionQuery.queryKey, null);
  void router.invalidate();
});

function Root() {
  const session = useQuery({ ...sessionQuery, enabled: false });
  return (
    <LanguageProvider account={session.data?.account.language}>
      <Notifications position="bottom-center" limit={3} />
      <RouterProvider router={router} />
    </LanguageProvider>
  );
}

const container = document.getElementById('root');
if (!container) throw new Error('the page has no root element');

createRoot(container).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto" colorSchemeManager={schemeManager} withCssVariables={false} withGlobalClasses={false}>
      <QueryClientProvider client={queryClient}>
        <Root />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
