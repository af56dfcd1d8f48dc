import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';
import { variablesCss } from './src/theme/variables.ts';

const API = process.env.CHANCERY_API ?? 'http://127.0.0.1:8470';

/** Mantine's variables as a style sheet, so that `style-src 'self'` is enough at run time. */
function themeVariables(): Plugin {
  const id = 'virtual:theme-variables.css';
  return {
    name: 'theme-variables',
    resolveId: (source) => (source === id ? `\0${id}` : undefined),
    load: (resolved) => (resolved === `\0${id}` ? variablesCss() : undefined),
  };
}

/** Painting waits for the entry module: the chosen colour scheme is known before the first frame. */
function blockFirstPaint(): Plugin {
  return {
    name: 'block-first-paint',
    transformIndexHtml: {
      order: 'post',
      handler: (html) => html.replace('<script type="module" crossorigin', '<script type="module" blocking="render" crossorigin'),
    },
  };
}

export default defineConfig({
  plugins: [react(), themeVariables(), blockFirstPaint()],
  server: { port: 5173, proxy: { '/api': API } },
  build: {
    target: ['chrome123', 'firefox121', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
