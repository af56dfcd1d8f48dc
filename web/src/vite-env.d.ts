/// <reference types="vite/client" />
declare module 'virtual:*';
declare module '@fontsource-variable/inter/wght.css';
declare module '@tabler/icons-react/dist/esm/icons/*' {
  import type { Icon } from '@tabler/icons-react';
  const icon: Icon;
  export default icon;
}
