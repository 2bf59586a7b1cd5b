/** `ok`: there and working. `warning`: works, but worse than it could. `missing`: not there or not working. */
export type DoctorStatus = 'ok' | 'warning' | 'missing';

/** One line of `livedub doctor`. */
export interface DoctorRow {
  /** Heading under which the row stands. */
  readonly area: string;
  readonly name: string;
  readonly status: DoctorStatus;
  /** What was found: a version, a path, a figure with its unit; or what is wrong. */
  readonly detail: string;
  /** The main job, dubbing a file, cannot run while this is missing. */
  readonly required: boolean;
  /** What to do about it, as a command where there is one. */
  readonly remedy?: string;
}

/** Finds out some rows. Must not throw for something that is merely missing, nor change anything. */
export type DoctorProbe = () => Promise<readonly DoctorRow[]> | readonly DoctorRow[];

/** Prints rows as a table under their areas, remedies below what they are for. */
export function formatRows(rows: readonly DoctorRow[]): string {
  const marks: Record<DoctorStatus, string> = { ok: '✓', warning: '!', missing: '✗' };
  const width = Math.max(...rows.map((row) => row.name.length), 0);
  const lines: string[] = [];
  for (const area of new Set(rows.map((row) => row.area))) {
    lines.push(lines.length === 0 ? area : `\n${area}`);
    for (const row of rows.filter((entry) => entry.area === area)) {
      const optional = row.status === 'missing' && !row.required ? ' (optional)' : '';
      lines.push(
        `  ${marks[row.status]} ${row.name.padEnd(width)}  ${row.status.padEnd(7)}  ${row.detail}${optional}`,
      );
      if (row.remedy) lines.push(`    ${' '.repeat(width)}  remedy   ${row.remedy}`);
    }
  }
  return lines.join('\n');
}

/** Makes the rows of one area. */
export const rowsOf =
  (area: string) =>
  (name: string, status: DoctorStatus, detail: string, required: boolean, remedy?: string): DoctorRow => ({
    area,
    name,
    status,
    detail,
    required,
    ...(remedy === undefined ? {} : { remedy }),
  });
