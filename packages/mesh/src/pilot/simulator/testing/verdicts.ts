import type { HttpTarget, HttpVerdict, RouteChoice } from '@lateen/api/verdict.ts';
import type { Call } from '../call.ts';
import type { PreparedProxy } from '../proxy.ts';
import { simulate } from '../simulate.ts';

/** What becomes of a call that must be HTTP. */
export function httpOf(proxy: PreparedProxy, call: Call): HttpVerdict {
  const { handling } = simulate(proxy, call);
  if (handling.type !== 'http') throw new Error(JSON.stringify(handling));
  return handling.http;
}

/** The only thing that becomes of it. */
export function choiceOf(proxy: PreparedProxy, call: Call): RouteChoice {
  const { choices } = httpOf(proxy, call);
  const [only] = choices;
  if (only === undefined || choices.length > 1) throw new Error(JSON.stringify(choices));
  return only;
}

/** The only place that it goes to. */
export function targetOf(proxy: PreparedProxy, call: Call): HttpTarget {
  const { action } = choiceOf(proxy, call);
  const [only] = action.type === 'forward' ? action.targets : [];
  if (only === undefined) throw new Error(JSON.stringify(action));
  return only;
}

/** Why each route did not match, and the name of the one that did. */
export function trialsOf(proxy: PreparedProxy, call: Call): string[] {
  return httpOf(proxy, call).routes.map(({ name, reason, matched }) => `${name}: ${reason ?? matched}`);
}
