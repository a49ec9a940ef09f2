import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { serviceText } from '#pilot/testing/pilot-of.ts';
import { countOf, deploymentText, ruleText, startTrafficMesh, type TrafficMesh, until } from './traffic-mesh.ts';

/** An instance that fails is left out after so many failures in a row, and comes back after a while. */
describe('outlier detection', () => {
  let mesh: TrafficMesh;

  beforeAll(async () => {
    mesh = await startTrafficMesh(
      deploymentText('a', { replicas: 2 }) +
        ['a', 'codes', 'gateway', 'all', 'few']
          .map((name) => serviceText(name, '[{port: 80, name: http}]', { selector: '{app: a}' }))
          .join('') +
        ruleText('a', rule('consecutive5xxErrors: 3, interval: 100ms, baseEjectionTime: 3s, maxEjectionPercent: 100')) +
        ruleText(
          'codes',
          rule('consecutive5xxErrors: 2, outlierDetectionHttpErrorCodes: [429, 401], maxEjectionPercent: 50'),
        ) +
        ruleText('gateway', rule('consecutiveErrors: 2, maxEjectionPercent: 50')) +
        ruleText('all', rule('consecutive5xxErrors: 1, maxEjectionPercent: 100, minHealthPercent: 60')) +
        ruleText('few', rule('consecutive5xxErrors: 1, maxEjectionPercent: 10')),
    );
  });

  afterEach(() => mesh.failing.clear());
  afterAll(() => mesh.stop());

  /** Of a service, the instances that answer; all of them must do so with 200. */
  const instancesOf = async (service: string) => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => mesh.get(`http://${service}/`)));
    expect(countOf(answers.map(({ status }) => status))).toEqual(new Map([[200, 10]]));
    return [...new Set(answers.map(({ instance }) => instance))];
  };

  it('ejects an instance after so many errors, and lets it come back', async () => {
    mesh.failing.add('a-0');
    const statuses: (number | undefined)[] = [];
    for (let i = 0; i < 20; i++) statuses.push((await mesh.get('http://a/')).status);
    // Each of Envoy's threads learns a moment later that the instance is out.
    const errors = countOf(statuses).get(503) ?? 0;
    expect(errors).toBeGreaterThanOrEqual(3);
    expect(errors).toBeLessThanOrEqual(6);
    // The last ten were for the healthy one alone.
    expect(statuses.slice(10)).toEqual(Array(10).fill(200));
    mesh.failing.delete('a-0');
    await until(async () => (await mesh.get('http://a/')).instance === 'a-0', 'the instance is back');
  });

  it('takes the statuses that it is given for errors, and no others', async () => {
    const give = (status: number, count: number) =>
      Promise.all(Array.from({ length: count }, () => mesh.get('http://codes/', {}, [status])));
    await give(500, 10);
    expect(await instancesOf('codes')).toHaveLength(2);
    await give(429, 10);
    expect(await instancesOf('codes')).toHaveLength(1);
  });

  it('in its old form takes gateway errors for errors', async () => {
    for (let i = 0; i < 10; i++) await mesh.get('http://gateway/', {}, [500]);
    expect(await instancesOf('gateway')).toHaveLength(2);
    for (let i = 0; i < 10; i++) await mesh.get('http://gateway/', {}, [502]);
    expect(await instancesOf('gateway')).toHaveLength(1);
  });

  it('leaves nobody out when too few would be left', async () => {
    mesh.failing.add('a-0').add('a-1');
    for (let i = 0; i < 6; i++) await mesh.get('http://all/');
    mesh.failing.clear();
    expect(await instancesOf('all')).toHaveLength(2);
  });

  it('ejects no more than the share that may be', async () => {
    for (let i = 0; i < 6; i++) await mesh.get('http://few/', {}, [500]);
    expect(await instancesOf('few')).toHaveLength(2);
  });
});

function rule(outlierDetection: string): string {
  return `trafficPolicy: {loadBalancer: {simple: ROUND_ROBIN}, outlierDetection: {${outlierDetection}}}`;
}
