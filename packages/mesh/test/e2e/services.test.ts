import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { WorkloadStatus } from '@lateen/api/admin.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callThrough, eventually, replica, Sandbox } from './mesh.ts';

const sandbox = new Sandbox(null, 'services');
const outside: Server[] = [];
/** Of the servers that are not in the mesh. */
const ports: number[] = [];
let client: WorkloadStatus;

const WEB = `
const answer = (request, response) => response.end('web ' + request.url);
require('node:http').createServer(answer).listen(process.env.PORT);
`;

function deployment(name: string, script: string): string {
  const spec = {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name, command: ['node', '-e', script], ports: [{ containerPort: 8080 }] }] },
    },
  };
  return manifest('apps/v1', 'Deployment', name, spec);
}

function manifest(apiVersion: string, kind: string, name: string, spec: unknown): string {
  return `---\n${JSON.stringify({ apiVersion, kind, metadata: { name }, spec })}\n`;
}

const service = (port: number) =>
  manifest('v1', 'Service', 'web', { selector: { app: 'web' }, ports: [{ name: 'http', port, targetPort: 8080 }] });

const istio = (kind: string, name: string, spec: unknown) => manifest('networking.istio.io/v1', kind, name, spec);

beforeAll(async () => {
  for (const name of ['one', 'two']) {
    const server = createServer((_, response) => response.end(name)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    outside.push(server);
    ports.push((server.address() as AddressInfo).port);
  }
  sandbox.write('deployments.yaml', deployment('client', WEB) + deployment('web', WEB));
  client = replica(await sandbox.up(), 'client');
});

afterAll(async () => {
  for (const server of outside) server.close();
  await sandbox.close();
});

/** What answers the client's call; a status, if it is not 200. */
async function answerOf(url: string): Promise<string | number> {
  const { status, body } = await callThrough(client, url);
  return status === 200 ? body : status;
}

/** The same through a tunnel, as for HTTPS: it leads to the service's own listener. */
async function answerInTunnel(url: string): Promise<string | number> {
  const { hostname, port: proxyPort } = new URL(client.outboundProxy);
  const { host, port, pathname } = new URL(url);
  const asked = request({
    host: hostname,
    port: proxyPort,
    method: 'CONNECT',
    path: port === '' ? `${host}:80` : host,
  }).end();
  const [answer, socket] = (await once(asked, 'connect')) as [{ statusCode: number }, Socket];
  if (answer.statusCode !== 200) {
    socket.destroy();
    return answer.statusCode;
  }
  socket.write(`GET ${pathname} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
  const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
  return head.startsWith('HTTP/1.1 200') ? body.replace(/^[\da-f]+\r\n|\r\n0$|\r\n$/g, '') : Number(head.split(' ')[1]);
}

function remove(file: string): void {
  rmSync(join(sandbox.dir, file));
}

const isStatus = (answer: string | number) => typeof answer === 'number';

describe('while the mesh runs', () => {
  it('a Service is reached once it is there, on its present port, and no more when it has gone', async () => {
    expect(await answerOf('http://web/')).toBe(503);
    sandbox.write('service.yaml', service(80));
    await eventually('the service is reached', async () => (await answerOf('http://web/a')) === 'web /a');
    await eventually('in tunnels, too', async () => (await answerInTunnel('http://web/b')) === 'web /b');
    sandbox.write('service.yaml', service(81));
    await eventually('the new port is reached', async () => (await answerOf('http://web:81/a')) === 'web /a');
    await eventually('in tunnels, too', async () => (await answerInTunnel('http://web:81/b')) === 'web /b');
    await eventually('the old port is not', async () => isStatus(await answerOf('http://web/a')));
    remove('service.yaml');
    await eventually('nothing is reached', async () => isStatus(await answerOf('http://web:81/a')));
  });

  it('a ServiceEntry is reached where it says at the time, and by those who may see it', async () => {
    const entry = (index: number, more = {}) =>
      istio('ServiceEntry', 'outside', {
        hosts: ['outside.test'],
        ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
        resolution: 'STATIC',
        endpoints: [{ address: '127.0.0.1', ports: { http: ports[index] } }],
        ...more,
      });
    const call = () => answerOf('http://outside.test/');
    expect(await call()).toBe(503);
    sandbox.write('entry.yaml', entry(0));
    await eventually('it is reached', async () => (await call()) === 'one');
    await eventually('in tunnels, too', async () => (await answerInTunnel('http://outside.test/')) === 'one');
    sandbox.write('entry.yaml', entry(1));
    await eventually('it is reached elsewhere', async () => (await call()) === 'two');
    sandbox.write('entry.yaml', entry(1, { exportTo: ['~'] }));
    await eventually('nobody sees it', async () => isStatus(await call()));
    sandbox.write('entry.yaml', entry(1, { exportTo: ['.'] }));
    await eventually('its namespace sees it', async () => (await call()) === 'two');
    remove('entry.yaml');
    await eventually('it is gone', async () => isStatus(await call()));
  });

  it('WorkloadEntries answer for a ServiceEntry as long as it selects them', async () => {
    const selecting = istio('ServiceEntry', 'machines', {
      hosts: ['machines.test'],
      ports: [{ number: 80, name: 'http', protocol: 'HTTP' }],
      resolution: 'STATIC',
      workloadSelector: { labels: { kind: 'machine' } },
    });
    const machine = (name: string, index: number, kind = 'machine') =>
      istio('WorkloadEntry', name, { address: '127.0.0.1', labels: { kind }, ports: { http: ports[index] } });
    const call = () => answerOf('http://machines.test/');
    const answers = async () => new Set(await Promise.all(Array.from({ length: 12 }, call)));
    sandbox.write('machines.yaml', selecting);
    sandbox.write('one.yaml', machine('one', 0));
    await eventually('the first is reached', async () => (await call()) === 'one');
    sandbox.write('two.yaml', machine('two', 1));
    await eventually('both are reached', async () => (await answers()).symmetricDifference(BOTH).size === 0);
    sandbox.write('one.yaml', machine('one', 0, 'other'));
    await eventually(
      'only the second is',
      async () => (await answers()).symmetricDifference(new Set(['two'])).size === 0,
    );
    remove('two.yaml');
    await eventually('nobody is left', async () => (await call()) === 503);
    sandbox.write('one.yaml', machine('one', 0));
    await eventually('the first is back', async () => (await call()) === 'one');
  });
});

const BOTH = new Set<string | number>(['one', 'two']);
