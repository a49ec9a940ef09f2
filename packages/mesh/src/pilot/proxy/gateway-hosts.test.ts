import { describe, expect, it } from 'vitest';
import { type ChainTable, tellMisdirected } from './gateway-hosts.ts';
import type { VirtualHostIr } from './ir/route.ts';

function chain(name: string, serverHosts: string[], domains: string[]): ChainTable {
  const virtualHosts = domains.map((domain): VirtualHostIr => ({ name: domain, domains: [domain], routes: [] }));
  return { serverHosts, table: { name, virtualHosts, ignorePortInHost: true } };
}

/** `CHAIN: SERVED | MISDIRECTED` */
function outline(chains: readonly ChainTable[], passedOn: readonly string[] = []): string[] {
  return tellMisdirected(chains, passedOn).map(({ name, virtualHosts }) => {
    const isMisdirected = ({ routes }: VirtualHostIr) => routes.some(({ name: route }) => route === 'misdirected');
    const domains = (hosts: readonly VirtualHostIr[]) => hosts.flatMap((host) => host.domains).join(' ');
    const served = virtualHosts.filter((host) => !isMisdirected(host));
    const others = virtualHosts.filter(isMisdirected);
    return `${name}: ${domains(served)}${others.length === 0 ? '' : ` | ${domains(others)}`}`;
  });
}

describe('a request that came to the wrong chain is told so', () => {
  it('for hosts of another chain, and for no others', () => {
    expect(outline([chain('a', ['a.test'], ['a.test']), chain('b', ['b.test'], ['b.test'])])).toEqual([
      'a: a.test | b.test',
      'b: b.test | a.test',
    ]);
  });

  it('by the chain of a wildcard, for what a narrower one is for, even if its rules would take it', () => {
    const chains = [chain('wide', ['*.test'], ['*.test', 'bank.test']), chain('bank', ['bank.test'], ['bank.test'])];
    expect(outline(chains)).toEqual(['wide: *.test | bank.test', 'bank: bank.test | *.test']);
  });

  it('also where the wildcard is as long as the host', () => {
    const chains = [chain('wide', ['*.test'], ['*.test']), chain('a', ['a.test'], ['a.test'])];
    expect(outline(chains)).toEqual(['wide: *.test | a.test', 'a: a.test | *.test']);
  });

  it('where the narrower one has no rules for it as well: they are not got around', () => {
    const chains = [chain('wide', ['*'], ['bank.test', 'x.test']), chain('bank', ['bank.test'], [])];
    expect(outline(chains)).toEqual(['wide: x.test | bank.test', 'bank:  | x.test']);
  });

  it('for server names whose connections are passed on', () => {
    expect(outline([chain('wide', ['*'], ['*'])], ['secret.test'])).toEqual(['wide: * | secret.test']);
  });

  it('nothing is told where there is one chain only', () => {
    expect(outline([chain('a', ['a.test', 'b.test'], ['a.test', 'b.test'])])).toEqual(['a: a.test b.test']);
  });
});
