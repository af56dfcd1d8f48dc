export interface MailLink {
  text: string;
  href: string;
  /** The text looks like an address of another host than the one it leads to. */
  differs: boolean;
}

const ADDRESS = /^(?:https?:\/\/)?(?:www\.)?((?:[a-z0-9-]+\.)+[a-z]{2,})(?:[/:?#].*)?$/i;
const host = (name: string) => name.toLowerCase().replace(/^www\./, '');

/** Whether a text that reads like an address names another host than the link's. */
export function differs(text: string, href: string): boolean {
  const named = ADDRESS.exec(text.trim())?.[1];
  if (!named || !/^https?:/i.test(href)) return false;
  try {
    return host(named) !== host(new URL(href).hostname);
  } catch {
    return true;
  }
}

/** The links of sanitised HTML, each target once per text. */
export function linksOf(html: string): MailLink[] {
  // Only the links, without styles, which the page's policy would complain about. Parsing makes no
  // element of this page: nothing is loaded or run.
  const anchors = (html.match(/<a\s[^>]*>[\s\S]*?<\/a>/gi) ?? []).map((anchor) => anchor.replace(/\sstyle="[^"]*"/gi, '').replace(/<img\s[^>]*>/gi, ''));
  const page = new DOMParser().parseFromString(anchors.join('\n'), 'text/html');
  const links = [...page.querySelectorAll('a[href]')].map((link) => {
    const href = link.getAttribute('href') ?? '';
    const text = (link.textContent ?? '').replace(/\s+/g, ' ').trim();
    return { text: text === href ? '' : text, href, differs: differs(text, href) };
  });
  const outside = links.filter(({ href }) => /^(https?|mailto|tel):/i.test(href));
  return outside.filter((link, i) => outside.findIndex((other) => other.href === link.href && other.text === link.text) === i);
}
