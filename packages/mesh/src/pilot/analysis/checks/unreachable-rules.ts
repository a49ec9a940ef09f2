import type { VirtualService } from '@lateen/api/kinds.ts';
import { isVisible } from '../../model/visibility.ts';
import { type Check, groupBy, type Problem, refOf, titleOf } from '../check.ts';
import { covers, type HttpMatch, type HttpRule, literalStart, matchesAnything } from '../http-match.ts';
import type { MeshView } from '../mesh-view.ts';
import { gatewaysOf, scheduledRules } from '../virtual-services.ts';

/** Most earlier matches that one is compared with: beyond that nothing is said, rather than slowly. */
const MAX_COMPARED = 200;

interface Placed {
  readonly owner: VirtualService;
  readonly rule: HttpRule;
  readonly ruleIndex: number;
  readonly match: HttpMatch;
  /** Undefined: the rule has no matches, and so is for everything. */
  readonly matchIndex?: number;
}

/** What was found of a rule or a match at the places where it holds: each gateway with each host. */
interface Found {
  readonly placed: Placed;
  places: number;
  /** At each place where it is hidden: by what, and the host. */
  readonly hidden: { readonly by: readonly Placed[]; readonly host: string }[];
}

/** Rules and matches that never decide, because earlier ones take every request that they match. */
export const unreachableRules: Check = {
  about: 'rules and matches that earlier ones hide',
  *run(mesh) {
    const scheduled = scheduledRules(mesh);
    const rulesFound = new Map<HttpRule, Found>();
    const matchesFound = new Map<HttpMatch, Found>();
    const groups = groupBy(mesh.of('VirtualService'), (each) => placesOf(each, mesh));
    for (const [place, owners] of groups) {
      const [gateway = '', host = ''] = place.split(' ');
      const earlier = new Earlier();
      for (const rules of orderedRules(owners, gateway)) {
        const own = new Earlier();
        const hiders: Placed[] = [];
        for (const placed of rules) {
          const hider = earlier.cover(placed, mesh);
          if (hider !== undefined) hiders.push(hider);
          const any = hider ?? own.cover(placed, mesh);
          note(matchesFound, placed.match, placed, any === undefined ? [] : [any], host);
          own.add(placed);
        }
        const [first] = rules;
        if (first !== undefined)
          note(rulesFound, first.rule, first, hiders.length === rules.length ? hiders : [], host);
        for (const placed of rules) if (!scheduled.has(placed.rule)) earlier.add(placed);
      }
    }
    const neverUsed = new Set<HttpRule>();
    for (const [rule, found] of rulesFound) {
      if (found.hidden.length === found.places) neverUsed.add(rule);
      yield* ruleProblems(found);
    }
    for (const { placed, places, hidden } of matchesFound.values()) {
      const by = hidden[0]?.by[0];
      if (hidden.length < places || by === undefined || neverUsed.has(placed.rule)) continue;
      yield hiddenMatch(placed, by);
    }
  },
};

function note<K>(all: Map<K, Found>, key: K, placed: Placed, by: readonly Placed[], host: string): void {
  const found = all.get(key) ?? { placed, places: 0, hidden: [] };
  all.set(key, found);
  found.places++;
  if (by.length > 0) found.hidden.push({ by, host });
}

/** `GATEWAY HOST` for each gateway and host that the rules are for. */
function placesOf(object: VirtualService, mesh: MeshView): string[] {
  const { namespace } = object.metadata;
  const hosts = (object.spec.hosts ?? []).map((host) => mesh.resolve(host, namespace));
  return gatewaysOf(object).flatMap((gateway) => hosts.map((host) => `${gateway} ${host}`));
}

/** The matches of each rule that hold at the gateway, in the order in which they are tried. */
function orderedRules(owners: readonly VirtualService[], gateway: string): Placed[][] {
  const rules = owners.flatMap((owner) =>
    (owner.spec.http ?? []).map((rule, ruleIndex): Placed[] =>
      rule.match === undefined || rule.match.length === 0
        ? [{ owner, rule, ruleIndex, match: {} }]
        : rule.match
            .map((match, matchIndex) => ({ owner, rule, ruleIndex, match, matchIndex }))
            .filter(({ match }) => match.gateways === undefined || holdsAt(match.gateways, owner, gateway)),
    ),
  );
  if (owners.length < 2) return rules;
  // Of merged ones, those that are for everything come last.
  const isCatchAll = (placed: readonly Placed[]) => placed.some(({ match }) => matchesAnything(match));
  return [...rules.filter((each) => !isCatchAll(each)), ...rules.filter(isCatchAll)];
}

function holdsAt(gateways: readonly string[], { metadata }: VirtualService, gateway: string): boolean {
  return gateways.some(
    (each) => (each === 'mesh' || each.includes('/') ? each : `${metadata.namespace}/${each}`) === gateway,
  );
}

/** Earlier matches, by what their paths are, so that only few have to be compared. */
class Earlier {
  readonly #anyPath: Placed[] = [];
  readonly #byExact = new Map<string, Placed[]>();
  readonly #byPrefix = new Map<string, Placed[]>();
  readonly #byRegex = new Map<string, Placed[]>();
  readonly #regexes: Placed[] = [];

  add(placed: Placed): void {
    const { uri, ignoreUriCase } = placed.match;
    // Those that do not look at the case would be found under one spelling only.
    if (uri === undefined || uri.prefix === '/' || ignoreUriCase) this.#anyPath.push(placed);
    else if (uri.exact !== undefined) push(this.#byExact, uri.exact, placed);
    else if (uri.prefix !== undefined) push(this.#byPrefix, uri.prefix, placed);
    else {
      push(this.#byRegex, uri.regex ?? '', placed);
      this.#regexes.push(placed);
    }
  }

  /** An earlier one that takes every request that this one matches. */
  cover(placed: Placed, mesh: MeshView): Placed | undefined {
    let compared = 0;
    for (const earlier of this.#candidates(placed.match)) {
      if (++compared > MAX_COMPARED) return undefined;
      if (covers(earlier.match, placed.match) && seesAll(earlier.owner, placed.owner, mesh)) return earlier;
    }
    return undefined;
  }

  *#candidates({ uri }: HttpMatch): Generator<Placed> {
    yield* this.#anyPath;
    if (uri?.exact !== undefined) {
      yield* this.#byExact.get(uri.exact) ?? [];
      yield* this.#regexes;
    }
    if (uri?.regex !== undefined) yield* this.#byRegex.get(uri.regex) ?? [];
    const start = uri?.exact ?? uri?.prefix ?? (uri?.regex === undefined ? '' : literalStart(uri.regex));
    for (let length = 1; length <= Math.min(start.length, MAX_COMPARED); length++) {
      yield* this.#byPrefix.get(start.slice(0, length)) ?? [];
    }
    if (uri !== undefined) for (const each of this.#regexes) if (each.match.uri?.regex === '.*') yield each;
  }
}

/** Whether everybody who sees the rules of `b` sees those of `a`. */
function seesAll(a: VirtualService, b: VirtualService, mesh: MeshView): boolean {
  if (a === b) return true;
  const [wide, narrow] = [mesh.visibilityOf(a), mesh.visibilityOf(b)];
  return wide === 'all' || (narrow !== 'all' && narrow.every((namespace) => isVisible(wide, namespace)));
}

function* ruleProblems({ placed, places, hidden }: Found): Generator<Problem> {
  const [first] = hidden;
  if (first === undefined) return;
  const { owner, ruleIndex, rule } = placed;
  const others = first.by.some((each) => each.owner !== owner);
  // At one gateway or for one host a rule of the same VirtualService may well do without another one.
  if (hidden.length < places && !others) return;
  const by = [...new Set(first.by.map((each) => nameOf(each, owner)))];
  const at = others ? ` for ${first.host}` : '';
  yield {
    code: hidden.length < places ? 'LAT0602' : 'LAT0601',
    object: refOf(owner),
    path: `spec.http[${ruleIndex}]`,
    message: `the rule${rule.name === undefined ? '' : ` ${rule.name}`} is never used${at}: ${by.join(', ')} ${by.length === 1 ? 'takes' : 'take'} every request that it matches`,
  };
}

function hiddenMatch({ owner, ruleIndex, matchIndex }: Placed, hider: Placed): Problem {
  return {
    code: 'LAT0602',
    object: refOf(owner),
    path: `spec.http[${ruleIndex}].match[${matchIndex}]`,
    message: `the match never decides: ${nameOf(hider, owner)} takes every request that it matches`,
  };
}

/** `http[0].match[1]`, with the object's name in front if it is another one. */
function nameOf({ owner, ruleIndex, matchIndex }: Placed, reader: VirtualService): string {
  const place = `http[${ruleIndex}]${matchIndex === undefined ? '' : `.match[${matchIndex}]`}`;
  return owner === reader ? place : `${place} of ${titleOf(refOf(owner))}`;
}

function push(lists: Map<string, Placed[]>, key: string, placed: Placed): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [placed]);
  else list.push(placed);
}
