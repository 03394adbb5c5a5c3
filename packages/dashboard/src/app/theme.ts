import { createTheme, localStorageColorSchemeManager } from '@mantine/core';
import { writingOf } from '../ui/units.rules.ts';

const SMALL = { defaultProps: { size: 'xs' } };
const QUICK = { duration: 120 };
const { decimal } = writingOf();

/**
 * How components are unless they are told otherwise. They are named and not imported: the first page loads only those that
 * it shows. The variables are in theme.css: a style element that Mantine would write is against the policy of the page.
 */
export const theme = createTheme({
  cursorType: 'pointer',
  defaultRadius: 'sm',
  focusRing: 'auto',
  respectReducedMotion: true,
  components: {
    // Mantine's own lock writes a style element; theme.css does it by a selector.
    Modal: {
      defaultProps: {
        lockScroll: false,
        centered: true,
        transitionProps: QUICK,
        closeButtonProps: { 'aria-label': 'Close' },
      },
    },
    // Inside a dialog it is no banner of the page.
    ModalHeader: { defaultProps: { role: 'none' } },
    Drawer: {
      defaultProps: {
        lockScroll: false,
        position: 'right',
        transitionProps: QUICK,
        closeButtonProps: { 'aria-label': 'Close' },
      },
    },
    Notification: { defaultProps: { closeButtonProps: { 'aria-label': 'Dismiss' } } },
    Spotlight: { defaultProps: { lockScroll: false } },
    SpotlightRoot: { defaultProps: { lockScroll: false } },
    Button: SMALL,
    TextInput: SMALL,
    PasswordInput: SMALL,
    Textarea: SMALL,
    // Who types a comma where a point is meant, or the other way round, means the point.
    NumberInput: {
      defaultProps: { size: 'xs', decimalSeparator: decimal, allowedDecimalSeparators: ['.', ',', decimal] },
    },
    SegmentedControl: SMALL,
    FileInput: SMALL,
    TagsInput: SMALL,
    MultiSelect: SMALL,
    Autocomplete: SMALL,
    Select: { defaultProps: { size: 'xs', allowDeselect: false, checkIconPosition: 'right' } },
    Tooltip: { defaultProps: { openDelay: 300, withArrow: true, events: { hover: true, focus: true, touch: false } } },
  },
});

/** Paper is white: it is printed in the colours of the light theme. Gives the way to stop. */
export function watchPrinting(): () => void {
  const { dataset } = document.documentElement;
  let shown: string | undefined;
  const onBefore = (): void => {
    shown = dataset['mantineColorScheme'];
    dataset['mantineColorScheme'] = 'light';
  };
  const onAfter = (): void => {
    if (shown !== undefined) dataset['mantineColorScheme'] = shown;
  };
  addEventListener('beforeprint', onBefore);
  addEventListener('afterprint', onAfter);
  return () => {
    removeEventListener('beforeprint', onBefore);
    removeEventListener('afterprint', onAfter);
  };
}

export const colorSchemeManager = localStorageColorSchemeManager({ key: 'holdfast.theme' });
