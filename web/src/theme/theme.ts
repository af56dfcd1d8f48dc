import { createTheme, type MantineColorsTuple } from '@mantine/core';

const ink: MantineColorsTuple = [
  '#eff4fc', '#dde7f7', '#b9cdee', '#95b4e6', '#739ddc', '#557fc4', '#3f6bb3', '#335b9e', '#294a83', '#1d3763',
];
const slate: MantineColorsTuple = [
  '#e6e9ee', '#c6ccd6', '#a3adbb', '#828d9c', '#3d4551', '#2d343e', '#21262e', '#191d23', '#13161b', '#0d0f13',
];
const grey: MantineColorsTuple = [
  '#f7f8fa', '#f0f2f5', '#e4e7ec', '#d5dae1', '#bcc4ce', '#8b95a3', '#667080', '#475160', '#2f3744', '#1a202b',
];

/** Dark enough for white text on it in both schemes. */
const red: MantineColorsTuple = [
  '#fdeeee', '#fbdcdc', '#f5b8b8', '#ff9a94', '#ef6f6a', '#d94343', '#c92a2a', '#b42525', '#9c1f1f', '#861a1a',
];

/** The panes scroll, not the body; so no style element is injected for it. A dialog's header is no banner. */
const unlocked = { lockScroll: false, attributes: { header: { role: 'presentation' } } };

export const theme = createTheme({
  primaryColor: 'ink',
  primaryShade: { light: 7, dark: 6 },
  colors: { ink, red, dark: slate, gray: grey },
  black: '#1a202b',
  fontFamily: "'Inter Variable', system-ui, -apple-system, 'Segoe UI', sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', 'Cascadia Mono', 'DejaVu Sans Mono', Menlo, monospace",
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.25rem' },
  headings: { fontWeight: '600', sizes: { h1: { fontSize: '1.25rem' }, h2: { fontSize: '1.0625rem' }, h3: { fontSize: '0.9375rem' } } },
  defaultRadius: 'sm',
  radius: { xs: '3px', sm: '5px', md: '8px', lg: '12px', xl: '20px' },
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Modal: { defaultProps: { ...unlocked, centered: true, transitionProps: { duration: 120 }, overlayProps: { backgroundOpacity: 0.35 }, styles: { title: { fontWeight: 620, fontSize: '0.9375rem' } } } },
    Drawer: { defaultProps: unlocked },
    Tooltip: { defaultProps: { openDelay: 350, withArrow: false, transitionProps: { duration: 80 } } },
    Menu: { defaultProps: { shadow: 'md', transitionProps: { duration: 80 } } },
    Button: { defaultProps: { size: 'xs' } },
    ActionIcon: { defaultProps: { variant: 'subtle', color: 'gray' } },
  },
});
