import { signIn } from './lib.mjs';
import { visitAll } from './pages.mjs';

export const title = 'an officer goes through every page by keyboard';

export async function run(window, { officer }) {
  const { page, t } = window;
  await signIn(window, officer);
  await page.getByRole('link', { name: t('frame.oversight'), exact: true }).click();
  window.note(`${await visitAll(window)} pages`);
}
