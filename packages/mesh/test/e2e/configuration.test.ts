import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { MeshStatus } from '@lateen/api/admin.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callThrough, eventually, fetchText, replica, replicas, reviewsVersion, Sandbox } from './mesh.ts';

const sandbox = new Sandbox();
let status: MeshStatus;
beforeAll(async () => {
  status = await sandbox.up();
});
afterAll(() => sandbox.close());

function reviews(version: string): string {
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews}
spec:
  hosts: [reviews]
  http:
  - route: [{destination: {host: reviews, subset: ${version}}}]
`;
}

async function version(): Promise<string | undefined> {
  const { body } = await callThrough(replica(status, 'productpage-v1'), 'http://reviews:9080/reviews/0');
  return reviewsVersion(body);
}

/** Saves a file as editors do, and waits for its effect. */
async function route(to: string): Promise<void> {
  sandbox.write('reviews.yaml', reviews(to));
  await eventually(`traffic goes to ${to}`, async () => (await version()) === to && (await version()) === to);
}

async function diagnostics() {
  return (await sandbox.status()).diagnostics;
}

describe('files are watched', () => {
  it('puts a new file in force, and an edit of it', async () => {
    await route('v1');
    await route('v3');
  });

  it('keeps the old routes when a broken file is saved, and shows the error with file and line', async () => {
    await route('v1');
    sandbox.write('reviews.yaml', reviews('v3').replace('hosts:', 'hots:'));
    const found = await eventually('the error is shown', async () =>
      (await diagnostics()).find(({ code }) => code === 'LAT0110'),
    );
    expect(found).toMatchObject({ severity: 'error', line: 5, path: 'spec.hots' });
    expect(found.file).toMatch(/reviews\.yaml$/);
    expect(found.message).toContain('hosts');
    expect(await version()).toBe('v1');
    sandbox.write('reviews.yaml', 'this: is: not yaml\n');
    await eventually('the other error is shown', async () => (await diagnostics())[0]?.code === 'LAT0101');
    expect(await version()).toBe('v1');
    await route('v3');
    expect(await diagnostics()).toEqual([]);
  });

  it('keeps the old routes when a rule names a subset that does not exist', async () => {
    await route('v1');
    sandbox.write('reviews.yaml', reviews('v9'));
    await eventually('the error is shown', async () => (await diagnostics())[0]?.code === 'LAT0202');
    expect(await version()).toBe('v1');
    await route('v3');
  });

  it('takes back what only Envoy finds wrong, and shows its words', async () => {
    await route('v1');
    // Valid for RE2, but its program is larger than Envoy allows.
    const huge = reviews('v3').replace('- route:', `- match: [{uri: {regex: "(([a-z]{300}){3}){5}"}}]\n    route:`);
    sandbox.write('reviews.yaml', huge);
    const found = await eventually('the error is shown', async () =>
      (await diagnostics()).find(({ code }) => code === 'LAT0210'),
    );
    expect(found.object).toEqual({ kind: 'VirtualService', namespace: 'default', name: 'reviews' });
    expect(await version()).toBe('v1');
    await route('v3');
    expect(await diagnostics()).toEqual([]);
  });

  it('keeps the last good version even if the control plane is killed while the file is broken', async () => {
    await route('v1');
    sandbox.write('reviews.yaml', reviews('v3').replace('hosts:', 'hots:'));
    await eventually('the error is shown', async () => (await diagnostics()).length > 0);
    const { pid } = (await sandbox.status()).control;
    process.kill(pid, 'SIGKILL');
    await eventually('another control plane answers, and all proxies are in touch with it', async () => {
      const now = await sandbox.status();
      return now.control.pid !== pid && now.ready && now.workloads.every(({ proxy }) => proxy.synced);
    });
    for (let i = 0; i < 10; i++) expect(await version()).toBe('v1');
    await route('v3');
  });

  it('ends up with the last of 100 rapid edits everywhere', async () => {
    for (let i = 0; i < 100; i++) sandbox.write('reviews.yaml', reviews(i % 2 === 0 ? 'v1' : 'v2'));
    sandbox.write('reviews.yaml', reviews('v3'));
    await eventually('the last one wins', async () => (await version()) === 'v3');
    await eventually('all proxies hold it', async () =>
      (await sandbox.status()).workloads.every(({ proxy }) => proxy.synced),
    );
    const now = await sandbox.status();
    for (const from of now.workloads) {
      const { body } = await callThrough(from, 'http://reviews:9080/reviews/0');
      expect(reviewsVersion(body), from.name).toBe('v3');
    }
  });

  it('drops the rule with its file', async () => {
    rmSync(join(sandbox.dir, 'reviews.yaml'));
    await eventually('all versions answer', async () => {
      const seen = new Set<string | undefined>();
      for (let i = 0; i < 20; i++) seen.add(await version());
      return seen.size === 3;
    });
  });
});

describe('the running mesh is changed by commands', () => {
  const file = (name: string, text: string) => {
    sandbox.write(`routes/${name}`, text);
    return join(sandbox.dir, 'routes', name);
  };

  it('applies all objects of a call or none', async () => {
    const half = file('half.yaml', `${reviews('v2')}---\n${reviews('v8').replace('name: reviews}', 'name: other}')}`);
    const result = await sandbox.lateen('apply', '-f', half);
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('LAT0202');
    expect(result.stderr).toContain('half.yaml');
    expect((await sandbox.lateen('get', 'virtualservice', 'reviews')).code).toBe(1);
  });

  it('applies nothing of a call of which Envoy refuses a part', async () => {
    const refused = reviews('v3').replace('- route:', '- match: [{uri: {regex: "(([a-z]{300}){3}){5}"}}]\n    route:');
    const extra = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}\n';
    const result = await sandbox.lateen('apply', '-f', file('refused.yaml', `${extra}---\n${refused}`));
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('LAT0210');
    expect((await sandbox.lateen('get', 'configmap', 'extra')).code).toBe(1);
    expect((await sandbox.lateen('get', 'virtualservice', 'reviews')).code).toBe(1);
  });

  it('creates, gets, refuses to create again, and deletes', async () => {
    const path = file('v2.yaml', reviews('v2'));
    expect((await sandbox.lateen('create', '-f', path)).stdout).toContain('created');
    await eventually('v2 answers', async () => (await version()) === 'v2');
    expect((await sandbox.lateen('create', '-f', path)).code).toBe(1);
    expect((await sandbox.lateen('apply', '-f', path)).stdout).toContain('unchanged');
    const got = await sandbox.lateen('get', 'vs', 'reviews', '-o', 'yaml');
    expect(got.stdout).toContain('subset: v2');
    expect((await sandbox.lateen('delete', 'vs/reviews')).code).toBe(0);
    expect((await sandbox.lateen('get', 'vs', 'reviews')).code).toBe(1);
  });

  it('keeps what was applied over a restart of the mesh', async () => {
    expect((await sandbox.lateen('apply', '-f', file('v3.yaml', reviews('v3')))).code).toBe(0);
    expect((await sandbox.lateen('down')).code).toBe(0);
    status = await sandbox.up();
    expect(await version()).toBe('v3');
    expect((await sandbox.lateen('delete', 'vs', 'reviews')).code).toBe(0);
  });

  it('refuses to delete subsets that a rule still uses', async () => {
    const path = file('v3.yaml', reviews('v3'));
    expect((await sandbox.lateen('apply', '-f', path)).code).toBe(0);
    const refused = await sandbox.lateen('delete', 'destinationrule', 'reviews');
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('VirtualService default/reviews');
    expect((await sandbox.lateen('delete', '-f', path)).code).toBe(0);
  });
});

describe('deployments are edited', () => {
  it('scales one without touching the others', async () => {
    const before = await sandbox.status();
    const text = sandbox.read('bookinfo.yaml');
    sandbox.write('bookinfo.yaml', text.replace(/(name: details-v1[\s\S]*?replicas: )1/, '$13'));
    const after = await eventually('three replicas', async () => {
      const now = await sandbox.status();
      return replicas(now, 'details-v1').length === 3 && now.ready ? now : undefined;
    });
    for (const workload of before.workloads) {
      expect(after.workloads.find(({ name }) => name === workload.name)?.pid, workload.name).toBe(workload.pid);
    }
    sandbox.write('bookinfo.yaml', text);
    await eventually('one replica again', async () => replicas(await sandbox.status(), 'details-v1').length === 1);
  });

  it('restarts only the one whose template changed', async () => {
    const before = await sandbox.status();
    const text = sandbox.read('bookinfo.yaml');
    const edited = text.replace(
      /(name: ratings-v1[\s\S]*?env:\n)(\s+)(- name)/,
      '$1$2- name: EDITED\n$2  value: "yes"\n$2$3',
    );
    expect(edited).not.toBe(text);
    sandbox.write('bookinfo.yaml', edited);
    const after = await eventually('ratings restarted', async () => {
      const now = await sandbox.status();
      const [one, ...others] = replicas(now, 'ratings-v1');
      return now.ready && others.length === 0 && one?.pid !== replica(before, 'ratings-v1').pid ? now : undefined;
    });
    for (const workload of before.workloads.filter(({ workload }) => workload !== 'ratings-v1')) {
      expect(after.workloads.find(({ name }) => name === workload.name)?.pid, workload.name).toBe(workload.pid);
    }
  });

  it('starts proxies with the settings of a ProxyConfig, and only those that it selects', async () => {
    const before = await sandbox.status();
    const config = `apiVersion: networking.istio.io/v1beta1
kind: ProxyConfig
metadata: {name: ratings}
spec:
  selector: {matchLabels: {app: ratings}}
  concurrency: 2
  environmentVariables: {ISTIO_META_TIER: back}
`;
    const runsWith = (threads: number, tier?: string) =>
      eventually(`the proxy runs with ${threads} threads`, async () => {
        const now = await sandbox.status();
        const [one, ...others] = replicas(now, 'ratings-v1');
        if (!now.ready || one === undefined || others.length > 0) return undefined;
        const { body } = await fetchText(`${one.envoyAdmin}/server_info`);
        const { command_line_options: options, node } = JSON.parse(body);
        return options.concurrency === threads && node.metadata.TIER === tier ? now : undefined;
      });
    sandbox.write('proxy-config.yaml', config);
    await runsWith(2, 'back');
    rmSync(join(sandbox.dir, 'proxy-config.yaml'));
    const after = await runsWith(1);
    for (const workload of before.workloads.filter(({ workload }) => workload !== 'ratings-v1')) {
      expect(after.workloads.find(({ name }) => name === workload.name)?.envoyPid, workload.name).toBe(
        workload.envoyPid,
      );
    }
  });

  it('gives them the values of ConfigMaps, and restarts only who uses one that is edited', async () => {
    const settings = (greeting: string) => `apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {GREETING: ${greeting}, audience: world}
`;
    sandbox.write('settings.yaml', settings('hello'));
    sandbox.write(
      'greeter.yaml',
      `apiVersion: v1
kind: Service
metadata: {name: greeter}
spec: {selector: {app: greeter}, ports: [{name: http, port: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: greeter}
spec:
  selector: {matchLabels: {app: greeter}}
  template:
    metadata: {labels: {app: greeter}}
    spec:
      containers:
      - name: greeter
        command:
        - node
        - -e
        - |
          const { GREETING, AUDIENCE, PORT } = process.env;
          require('node:http').createServer((_, answer) => answer.end(GREETING + ' ' + AUDIENCE)).listen(PORT);
        ports: [{containerPort: 8080}]
        envFrom: [{configMapRef: {name: settings}}]
        env: [{name: AUDIENCE, valueFrom: {configMapKeyRef: {name: settings, key: audience}}}]
`,
    );
    const greets = (greeting: string) =>
      eventually(`the answer is ${greeting}`, async () => {
        const now = await sandbox.status();
        const answer = await callThrough(replica(now, 'productpage-v1'), 'http://greeter:8080/');
        return answer.body === greeting ? now : undefined;
      });
    const before = await greets('hello world');
    sandbox.write('settings.yaml', settings('welcome'));
    const after = await greets('welcome world');
    for (const workload of before.workloads.filter(({ workload }) => workload !== 'greeter')) {
      expect(after.workloads.find(({ name }) => name === workload.name)?.pid, workload.name).toBe(workload.pid);
    }
    rmSync(join(sandbox.dir, 'greeter.yaml'));
    rmSync(join(sandbox.dir, 'settings.yaml'));
  });

  it('says in the status that a command does not exist, until it is mended', async () => {
    sandbox.write(
      'wrong.yaml',
      `apiVersion: apps/v1
kind: Deployment
metadata: {name: wrong}
spec:
  selector: {matchLabels: {app: wrong}}
  template:
    metadata: {labels: {app: wrong}}
    spec: {containers: [{name: wrong, command: [no-such-program]}]}
`,
    );
    const problem = await eventually('the problem is shown', async () =>
      (await diagnostics()).find(({ code }) => code === 'LAT0311'),
    );
    expect(problem.message).toContain('no-such-program');
    expect(problem.object).toEqual({ kind: 'Deployment', namespace: 'default', name: 'wrong' });
    expect((await sandbox.status()).ready).toBe(false);
    rmSync(join(sandbox.dir, 'wrong.yaml'));
    await eventually('nothing is wrong any more', async () => {
      const now = await sandbox.status();
      return now.ready && now.diagnostics.length === 0;
    });
  });
});
