import { expect, test } from 'vitest';
import type { InstanceReport } from '#pilot/registry/processes/link.ts';
import { Instances } from './instances.ts';
import { waitUntil } from './testing/wait-until.ts';

function report(name: string, phase = 'starting'): InstanceReport {
  return { instance: { name, namespace: 'default' }, process: { phase } } as InstanceReport;
}

function make() {
  const sent: string[][] = [];
  const instances = new Instances((reports) => {
    sent.push(reports.map(({ instance, process }) => `${instance.name} ${process.phase}`));
    return sent.length;
  });
  return { instances, sent };
}

test('changes of one turn go out as one message, sorted', async () => {
  const { instances, sent } = make();
  instances.set(report('b'));
  instances.set(report('a'));
  instances.set(report('b', 'running'));
  await waitUntil('it was sent', () => sent.length > 0);
  expect(sent).toEqual([['a starting', 'b running']]);
});

test('what makes no difference is not sent, and the number is that of the message that has it', () => {
  const { instances, sent } = make();
  expect(instances.flush()).toBe(0);
  instances.set(report('a'));
  expect(instances.flush()).toBe(1);
  instances.set(report('a'));
  expect(instances.flush()).toBe(1);
  instances.delete('a.default');
  instances.delete('unknown.default');
  expect(instances.flush()).toBe(2);
  expect(sent).toEqual([['a starting'], []]);
});
