import {
  createTheme,
  Drawer,
  localStorageColorSchemeManager,
  Modal,
  NumberInput,
  Select,
  Skeleton,
  TextInput,
  Textarea,
  Tooltip,
  Button,
  SegmentedControl,
} from '@mantine/core';

/** The variables are in theme.css: a style element that Mantine would write is against the policy of the page. */
export const theme = createTheme({
  cursorType: 'pointer',
  defaultRadius: 'sm',
  focusRing: 'auto',
  respectReducedMotion: true,
  components: {
    // Mantine's own lock writes a style element; theme.css does it by a selector.
    Modal: Modal.extend({
      defaultProps: {
        lockScroll: false,
        centered: true,
        transitionProps: { duration: 120 },
        overlayProps: { blur: 0 },
      },
    }),
    Drawer: Drawer.extend({
      defaultProps: { lockScroll: false, position: 'right', transitionProps: { duration: 120 } },
    }),
    Button: Button.extend({ defaultProps: { size: 'xs' } }),
    TextInput: TextInput.extend({ defaultProps: { size: 'xs' } }),
    Textarea: Textarea.extend({ defaultProps: { size: 'xs' } }),
    NumberInput: NumberInput.extend({ defaultProps: { size: 'xs' } }),
    Select: Select.extend({ defaultProps: { size: 'xs', allowDeselect: false, checkIconPosition: 'right' } }),
    SegmentedControl: SegmentedControl.extend({ defaultProps: { size: 'xs' } }),
    Skeleton: Skeleton.extend({ defaultProps: { radius: 'sm' } }),
    Tooltip: Tooltip.extend({
      defaultProps: { openDelay: 300, withArrow: true, events: { hover: true, focus: true, touch: false } },
    }),
  },
});

export const colorSchemeManager = localStorageColorSchemeManager({ key: 'holdfast.theme' });
