/** What a figure should reach; with both ends, a range. */
export interface Goal {
  readonly atLeast?: number;
  readonly atMost?: number;
}

/** One measured value; null where there was nothing to measure. */
export interface Figure {
  readonly value: number | null;
  readonly goal?: Goal;
}

/** Whether a value reaches its goal; undefined where there is no goal or nothing was measured. */
export function meetsGoal({ value, goal }: Figure): boolean | undefined {
  if (goal === undefined || value === null || Number.isNaN(value)) return undefined;
  return (
    value >= (goal.atLeast ?? Number.NEGATIVE_INFINITY) && value <= (goal.atMost ?? Number.POSITIVE_INFINITY)
  );
}

/** `≥ 6`, `≤ 15`, `-17 … -15`; empty without a goal. */
export function describeGoal(goal: Goal | undefined): string {
  if (goal === undefined) return '';
  const { atLeast, atMost } = goal;
  if (atLeast !== undefined && atMost !== undefined) return `${atLeast} … ${atMost}`;
  if (atLeast !== undefined) return `≥ ${atLeast}`;
  return atMost === undefined ? '' : `≤ ${atMost}`;
}

/** `6.42 ✓`, `5.10 ✗`, `3`, `–` for nothing measured. */
export function formatFigure(figure: Figure, digits: number): string {
  if (figure.value === null || Number.isNaN(figure.value)) return '–';
  const met = meetsGoal(figure);
  return `${figure.value.toFixed(digits)}${met === undefined ? '' : met ? ' ✓' : ' ✗'}`;
}
