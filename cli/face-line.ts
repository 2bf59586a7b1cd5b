import type { ReportFace } from '../server/dub/report.ts';

/** One line of what became of the faces in a language. */
export function faceLine(language: string, face: ReportFace): string {
  const { file, pictures, spokenPictures, guards, engine, canvas, fps } = face;
  const share = pictures > 0 ? Math.round((100 * spokenPictures) / pictures) : 0;
  const [most] = Object.entries(guards).sort((a, b) => b[1] - a[1]);
  const otherwise = most ? `, else as filmed mostly for: ${most[0]} (${most[1]} of ${pictures})` : '';
  return `faces ${language} ${file}: lips follow in ${share}% of pictures${otherwise}; ${engine} on ${canvas}, ${fps} pictures/s`;
}
