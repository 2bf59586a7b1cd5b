/** What differs between the pictures of the sample. */
export interface Expression {
  /** 0 closed, 1 half open, 2 open. */
  readonly mouth: 0 | 1 | 2;
  readonly blink: boolean;
}

const MOUTHS = [
  '<path d="M606 352 q34 20 68 0" fill="none" stroke="#8f3b3b" stroke-width="7" stroke-linecap="round"/>',
  '<ellipse cx="640" cy="358" rx="27" ry="10" fill="#6d2630"/><path d="M616 354 q24 -10 48 0 l-3 4 h-42z" fill="#fff"/>',
  '<ellipse cx="640" cy="363" rx="27" ry="20" fill="#6d2630"/><path d="M617 353 q23 -12 46 0 l-3 5 h-40z" fill="#fff"/><ellipse cx="640" cy="375" rx="15" ry="7" fill="#c7646c"/>',
] as const;

const EYES_OPEN =
  '<g fill="#fff"><ellipse cx="592" cy="276" rx="19" ry="15"/><ellipse cx="688" cy="276" rx="19" ry="15"/></g>' +
  '<g fill="#3a2a22"><circle cx="594" cy="277" r="10"/><circle cx="686" cy="277" r="10"/></g>' +
  '<g fill="#fff"><circle cx="598" cy="273" r="3.5"/><circle cx="690" cy="273" r="3.5"/></g>';

const EYES_SHUT =
  '<g fill="none" stroke="#5b4034" stroke-width="5" stroke-linecap="round">' +
  '<path d="M574 278 q18 10 36 0"/><path d="M670 278 q18 10 36 0"/></g>';

/**
 * One picture of the sample as SVG, 960 × 540: a drawn speaker and the label,
 * which stands clear of the player's controls, badge and captions. Drawn, because a photograph would put
 * words into the mouth of a person who has not agreed to it.
 */
export function drawSpeaker(expression: Expression, label: string): string {
  const text = label.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="960" height="540" viewBox="0 0 1280 720">
  <defs>
    <linearGradient id="back" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="#232157"/><stop offset="1" stop-color="#0d0f24"/></linearGradient>
    <radialGradient id="glow" cx="0.5" cy="0.42" r="0.45"><stop offset="0" stop-color="#6f68e6" stop-opacity="0.75"/><stop offset="1" stop-color="#6f68e6" stop-opacity="0"/></radialGradient>
  </defs>
  <rect width="1280" height="720" fill="url(#back)"/>
  <rect width="1280" height="720" fill="url(#glow)"/>
  <g transform="translate(0 84)">
  <path d="M396 640 q20 -150 168 -168 h152 q148 18 168 168z" fill="#2fa58b"/>
  <path d="M560 474 q80 74 160 0 l-10 -6 h-140z" fill="#e9f5f1"/>
  <path d="M594 410 h92 v62 q-46 44 -92 0z" fill="#cf9069"/>
  <path d="M502 262 q-8 -164 138 -168 q146 4 138 168 q-2 70 -20 104 h-236 q-18 -34 -20 -104z" fill="#38251d"/>
  <ellipse cx="522" cy="290" rx="17" ry="26" fill="#cf9069"/><ellipse cx="758" cy="290" rx="17" ry="26" fill="#cf9069"/>
  <path d="M524 250 q0 -104 116 -104 q116 0 116 104 v46 q0 122 -116 136 q-116 -14 -116 -136z" fill="#e5aa80"/>
  <path d="M516 258 q6 -100 96 -106 q58 34 150 38 q6 32 2 68 q18 -130 -76 -150 q-104 -28 -156 44 q-30 44 -16 106z" fill="#38251d"/>
  <g fill="none" stroke="#38251d" stroke-width="7" stroke-linecap="round"><path d="M570 246 q22 -14 44 -2"/><path d="M666 244 q22 -12 44 2"/></g>
  ${expression.blink ? EYES_SHUT : EYES_OPEN}
  <path d="M640 282 q-14 32 -6 36 q6 4 14 0" fill="none" stroke="#b9774f" stroke-width="5" stroke-linecap="round"/>
  <g fill="#e08d74" opacity="0.45"><ellipse cx="566" cy="326" rx="22" ry="13"/><ellipse cx="714" cy="326" rx="22" ry="13"/></g>
  ${MOUTHS[expression.mouth]}
  </g>
  <text x="1240" y="64" font-family="DejaVu Sans, sans-serif" font-size="28" font-weight="bold" fill="#ffffff" text-anchor="end">${text}</text>
  <text x="1240" y="104" font-family="DejaVu Sans, sans-serif" font-size="24" fill="#c9c6ff" text-anchor="end">made by livedub</text>
</svg>
`;
}
