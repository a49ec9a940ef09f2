import { expect, test } from 'vitest';
import type { ContainerState } from './container.ts';
import { activeRequests } from './idle.ts';
import type { ProxyProcessState } from './proxy-process.ts';
import { summarize } from './replica-status.ts';
import { portsMentioned } from './taken-ports.ts';

const live: ProxyProcessState = { kind: 'live', pid: 1 };
const starting: ProxyProcessState = { kind: 'starting', pid: 1 };
const dead: ProxyProcessState = { kind: 'back-off', delayMs: 0, reason: 'Envoy was ended by SIGKILL' };
const waiting: ContainerState = { kind: 'waiting' };
const ready: ContainerState = { kind: 'ready', pid: 2 };
const unready: ContainerState = { kind: 'unready', pid: 2, reason: 'status 503' };
const backOff: ContainerState = { kind: 'back-off', delayMs: 100, reason: 'app-0 exited with code 1' };
const failed: ContainerState = { kind: 'failed', reason: 'app-0: container app has no command.' };
const second: ContainerState = { kind: 'failed', reason: 'app-0, container two, has no command.' };

test.each<[string, Partial<Parameters<typeof summarize>[0]>, ReturnType<typeof summarize>]>([
  ['no ports yet', { proxy: undefined }, { health: 'starting', phase: 'waiting for ports' }],
  ['no configuration yet', { proxy: starting }, { health: 'starting', phase: 'waiting for sidecar' }],
  ['started', { containers: [{ kind: 'starting', pid: 2 }] }, { health: 'starting', phase: 'starting' }],
  [
    'one of two ready',
    { containers: [ready, { kind: 'starting', pid: 3 }] },
    { health: 'starting', phase: 'starting' },
  ],
  ['all ready', { containers: [ready, ready] }, { health: 'ready', phase: 'running' }],
  [
    'the Envoy is gone while the application runs',
    { proxy: dead, containers: [ready], everReady: true },
    { health: 'unready', phase: 'waiting for sidecar', message: 'Envoy was ended by SIGKILL' },
  ],
  [
    'the application is gone',
    { containers: [backOff], everReady: true },
    { health: 'unready', phase: 'back-off', message: 'exited with code 1' },
  ],
  [
    'the command does not exist',
    { containers: [backOff] },
    { health: 'starting', phase: 'back-off', message: 'exited with code 1' },
  ],
  [
    'there is no command, which matters more than what is tried again',
    { containers: [backOff, failed] },
    { health: 'starting', phase: 'failed', message: 'container app has no command.' },
  ],
  [
    'one of several containers',
    { containers: [ready, second], everReady: true },
    { health: 'unready', phase: 'failed', message: 'container two, has no command.' },
  ],
  [
    'the message does not begin with the name',
    { name: 'other-0', containers: [backOff] },
    { health: 'starting', phase: 'back-off', message: 'app-0 exited with code 1' },
  ],
  [
    'the probe fails',
    { containers: [ready, unready], everReady: true },
    { health: 'unready', phase: 'not ready', message: 'status 503' },
  ],
  ['on the way down', { stopping: true, containers: [ready] }, { health: 'draining', phase: 'stopping' }],
])('%s', (_, parts, expected) => {
  const usual = { name: 'app-0', stopping: false, everReady: false, proxy: live, containers: [waiting] };
  expect(summarize({ ...usual, ...parts })).toEqual(expected);
});

test('requests under way, without the one that asks', () => {
  const stats = `http.admin.downstream_rq_active: 1
http.inbound_0.0.0.0_9080.downstream_rq_active: 2
http.outbound.http.proxy.downstream_rq_active: 3
http.inbound.downstream_rq_total: 100
`;
  expect(activeRequests(stats)).toBe(5);
  expect(activeRequests('')).toBe(0);
});

test('the ports that Envoy could not bind', () => {
  const message = "error adding listener '127.0.0.1:20001': cannot bind '127.0.0.1:20001': Address already in use";
  expect([...portsMentioned(message)]).toEqual([20_001]);
  expect([...portsMentioned("cannot bind '127.0.0.1:80': Permission denied")]).toEqual([]);
  expect([...portsMentioned(undefined)]).toEqual([]);
});
