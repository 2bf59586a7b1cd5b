import { describeGoal, type Figure, formatFigure } from './goal.ts';

export interface Column {
  readonly title: string;
  /** Default: `left`. */
  readonly align?: 'left' | 'right';
}

/** Lays out a table in plain text: a title line, a rule, one line a row, columns two spaces apart. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const titles = columns.map(({ title }) => title);
  const widths = columns.map((_, i) => Math.max(...[titles, ...rows].map((row) => width(row[i] ?? ''))));
  const line = (cells: readonly string[]) =>
    columns
      .map(({ align }, i) => {
        const cell = cells[i] ?? '';
        const space = ' '.repeat(widths[i]! - width(cell));
        return align === 'right' ? space + cell : cell + space;
      })
      .join('  ')
      .trimEnd();
  const rule = widths.map((count) => '─'.repeat(count)).join('  ');
  return [line(titles), rule, ...rows.map(line)].join('\n');
}

/** One kind of figure over several cases. */
export interface FigureRow {
  readonly name: string;
  readonly unit: string;
  /** Digits after the point. Default: 2. */
  readonly digits?: number;
  /** One per case, in order. */
  readonly figures: readonly Figure[];
}

/** A table of figures: a row for each figure, a column for each case, marks and goals at the end. */
export function formatFigures(cases: readonly string[], rows: readonly FigureRow[]): string {
  const columns: Column[] = [
    { title: 'figure' },
    { title: 'unit' },
    ...cases.map((title) => ({ title, align: 'right' }) as const),
    { title: 'goal' },
  ];
  return formatTable(
    columns,
    rows.map(({ name, unit, digits, figures }) => [
      name,
      unit,
      ...figures.map((figure) => withRoomForMark(formatFigure(figure, digits ?? 2))),
      goalsOf(cases, figures),
    ]),
  );
}

/** Numbers stay under each other whether a mark follows or not. */
function withRoomForMark(text: string): string {
  return /[✓✗]$/u.test(text) ? text : `${text}  `;
}

/** One goal where all cases share it, else each with its case. */
function goalsOf(cases: readonly string[], figures: readonly Figure[]): string {
  const goals = figures.map(({ goal }) => describeGoal(goal));
  const distinct = new Set(goals.filter((goal) => goal !== ''));
  if (distinct.size === 0) return '';
  if (distinct.size === 1 && goals.every((goal) => goal !== '')) return goals[0]!;
  return goals.flatMap((goal, i) => (goal === '' ? [] : [`${cases[i]}: ${goal}`])).join('; ');
}

/** Columns a text takes in a terminal; combining marks take none. */
function width(text: string): number {
  return [...text.normalize('NFC').replaceAll(/\p{M}/gu, '')].length;
}
