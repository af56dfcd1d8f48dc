/** Downloads without leaving the page, also when the answer is a refusal. */
export function startDownload(url: string) {
  const link = document.createElement('a');
  link.href = url;
  link.download = '';
  link.click();
}
