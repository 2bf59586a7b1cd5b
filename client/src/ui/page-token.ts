const KEY = 'livedub token';

/**
 * The token of this page: from `#token=…` of its address, which no server sees and which is taken off the address at once,
 * else what was kept for this tab.
 */
export function pageToken(): string | undefined {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get('token');
  if (token) {
    keepPageToken(token);
    fragment.delete('token');
    const rest = fragment.toString();
    history.replaceState(history.state, '', location.pathname + location.search + (rest ? `#${rest}` : ''));
    return token;
  }
  try {
    return sessionStorage.getItem(keyOfPage()) ?? undefined;
  } catch {
    return undefined;
  }
}

export function keepPageToken(token: string | undefined): void {
  try {
    if (token) sessionStorage.setItem(keyOfPage(), token);
    else sessionStorage.removeItem(keyOfPage());
  } catch {
    // Kept for this visit only.
  }
}

/** A watch token opens no desk: one for each kind of page. */
function keyOfPage(): string {
  return `${KEY} ${location.pathname.split('/')[1] ?? ''}`;
}

/** The channel that the address names, e.g. `/watch/my-show` → `my-show`. */
export function channelOfAddress(): string | undefined {
  const id = location.pathname.split('/')[2];
  return id && /^[a-z0-9][a-z0-9-]{2,39}$/.test(id) ? id : undefined;
}
