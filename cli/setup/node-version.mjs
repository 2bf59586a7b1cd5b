// Read by any Node that knows modules, however old: no newer syntax here, and no imports.

export const MINIMUM_NODE = [20, 19];

/** One line with the remedy when this Node is too old, else undefined. */
export function nodeProblem(version) {
  const parts = version.replace(/^v/, '').split('.').map(Number);
  const enough = parts[0] > MINIMUM_NODE[0] || (parts[0] === MINIMUM_NODE[0] && parts[1] >= MINIMUM_NODE[1]);
  if (enough) return undefined;
  const wanted = MINIMUM_NODE.join('.');
  return (
    'livedub needs Node ' +
    wanted +
    ' or newer, and this is ' +
    version +
    ': install it from https://nodejs.org or with `nvm install 20`.'
  );
}

/** Calls `then` on a Node that is new enough; otherwise prints the line and ends with 1. */
export function onGoodNode(then) {
  const problem = nodeProblem(process.version);
  if (problem === undefined) return then();
  process.stderr.write(`${problem}\n`);
  process.exitCode = 1;
}
