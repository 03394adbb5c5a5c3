export interface ChartSeries {
  label: string;
  /** A variable of theme.css, such as `--hf-available`. */
  colour: string;
  /** As long as the times. */
  values: readonly (number | null)[];
  /** Told apart without colour. */
  dash?: readonly number[];
}

export interface TimeChartProps {
  /** The question that it answers, written above it. */
  title: string;
  /** In milliseconds since 1970, rising. */
  times: readonly number[];
  series: readonly ChartSeries[];
  /** A value holds until the next one, as a balance does. */
  isStepped?: boolean;
  height?: number;
}
