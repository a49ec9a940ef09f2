import type { Collection } from '../incremental/collection.ts';
import type { Graph } from '../incremental/graph.ts';
import { hashOf } from './hash.ts';

/** Addresses are 240.240.0.1 to 240.240.254.254, without those that end in 0 or 255. (As Istio; the block is reserved.) */
const LAST_OCTETS = 254;
const ADDRESSES = 255 * LAST_OCTETS;

/** Two names in 65,000 addresses rarely meet; that one loses so often happens once in a million meshes of 5,000. */
const ROUNDS = 6;

/** One claim to an address: those of a round that meet go to the first by name, the others try again elsewhere. */
interface Claim {
  readonly key: string;
  readonly slot: string;
}

/**
 * An address for each entry that wants one, by its key. It depends on the key, and on others only where two meet: so it
 * stays the same across restarts and changes, and a change costs nothing elsewhere.
 */
export function allocateAddresses<V>(
  graph: Graph,
  entries: Collection<V>,
  wants: (value: V) => boolean,
): Collection<string> {
  const taken: Collection<Claim>[] = [];
  let losers = graph.derive('wanted addresses', entries, (value, _, key) => (wants(value) ? key : undefined));
  for (let round = 0; round < ROUNDS; round++) {
    const claims = graph.derive(`claims ${round}`, losers, (key): Claim => ({ key, slot: slotOf(key, round) }));
    const bySlot = graph.index(`claims by slot ${round}`, claims, ({ slot }) => [slot]);
    const earlier = [...taken];
    const winners = graph.derive(`taken addresses ${round}`, bySlot, ([first], read, slot) =>
      earlier.some((each) => read.get(each, slot) !== undefined) ? undefined : first,
    );
    taken.push(winners);
    losers = graph.derive(`losers ${round}`, claims, ({ key, slot }, read) =>
      read.get(winners, slot)?.key === key ? undefined : key,
    );
  }
  return graph.union(
    'allocated addresses',
    taken.map((winners, round) =>
      graph.expand(`allocated addresses ${round}`, winners, ({ key, slot }) => [[key, addressOf(Number(slot))]]),
    ),
  );
}

function slotOf(key: string, round: number): string {
  return String(hashOf(`${round}|${key}`) % ADDRESSES);
}

function addressOf(slot: number): string {
  return `240.240.${Math.floor(slot / LAST_OCTETS)}.${1 + (slot % LAST_OCTETS)}`;
}
