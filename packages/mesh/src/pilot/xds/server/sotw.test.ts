import { expect, test } from 'vitest';
import { isSynced } from './order.ts';
import { Conversation } from './testing/conversation.ts';

function served(): Conversation {
  const talk = new Conversation('sotw');
  talk.want('cluster+eds a@1', 'cluster b@1', 'endpoint a@1', 'listener l@1', 'route r@1');
  talk.request('cluster');
  talk.ack('cluster');
  talk.request('endpoint', ['a']);
  talk.ack('endpoint', ['a']);
  talk.request('listener');
  talk.ack('listener');
  talk.request('route', ['r']);
  talk.ack('route', ['r']);
  talk.expectSent('cluster a@1 b@1', 'endpoint a@1', 'listener l@1', 'route r@1');
  expect(isSynced(talk.state)).toBe(true);
  return talk;
}

test('clusters and listeners come as full sets, endpoints and routes by name', () => {
  const talk = served();
  talk.want('cluster+eds a@1', 'cluster b@2', 'endpoint a@1', 'listener l@1', 'route r@1', 'route other@1');
  talk.expectSent('cluster a@1 b@2');
  talk.ack('cluster');
  talk.request('route', ['r', 'other']);
  talk.expectSent('route other@1');
});

test('a version says what is in a set, not when it was sent', () => {
  const one = served();
  const other = served();
  expect(one.lastResponse('cluster')?.version).toBe(other.lastResponse('cluster')?.version);
  one.want('cluster+eds a@1', 'cluster b@2', 'endpoint a@1', 'listener l@1', 'route r@1');
  expect(one.lastResponse('cluster')?.version).not.toBe(other.lastResponse('cluster')?.version);
});

test('a removed cluster stays in the set until its users are replaced', () => {
  const talk = served();
  talk.want('cluster b@1', 'cluster c@1', 'listener l@1', 'route r@2');
  talk.expectSent('cluster b@1 c@1 a@1');
  talk.ack('cluster');
  talk.expectSent('route r@2');
  talk.ack('route', ['r']);
  talk.expectSent('cluster b@1 c@1');
  talk.ack('cluster');
  expect(isSynced(talk.state)).toBe(true);
});

test('an altered cluster is followed by its endpoints', () => {
  const talk = served();
  talk.want('cluster+eds a@2', 'cluster b@1', 'endpoint a@1', 'listener l@1', 'route r@1');
  talk.expectSent('cluster a@2 b@1', 'endpoint a@1');
});

test('stale nonces are ignored', () => {
  const talk = served();
  talk.want('cluster+eds a@1', 'cluster b@2', 'endpoint a@1', 'listener l@1', 'route r@1');
  talk.request('cluster', [], '', '1');
  expect(isSynced(talk.state)).toBe(false);
  talk.request('cluster', [], '', 'unknown');
  expect(isSynced(talk.state)).toBe(false);
  talk.ack('cluster');
  expect(isSynced(talk.state)).toBe(true);
});

test('a refused set is not sent again until something changes, and the named one is reported', () => {
  const talk = served();
  talk.want('cluster+eds a@1', 'cluster b@bad', 'cluster c@1', 'endpoint a@1', 'listener l@1', 'route r@1');
  talk.nack('cluster', "'b' is bad");
  talk.expectSent('cluster a@1 b@bad c@1');
  expect(talk.rejected()).toEqual(["cluster b: 'b' is bad"]);
  talk.want('cluster+eds a@1', 'cluster b@2', 'cluster c@1', 'endpoint a@1', 'listener l@1', 'route r@1');
  talk.expectSent('cluster a@1 b@2 c@1');
  talk.ack('cluster');
  expect(talk.rejected()).toEqual([]);
});

test('refused routes are sent apart, so that the good ones arrive', () => {
  const talk = served();
  talk.request('route', ['r', 's', 't']);
  talk.want('cluster+eds a@1', 'cluster b@1', 'endpoint a@1', 'listener l@1', 'route r@2', 'route s@bad', 'route t@1');
  talk.expectSent('route r@2 s@bad t@1');
  talk.nack('route', "'s'", ['r', 's', 't']);
  talk.ack('route', ['r', 's', 't']);
  talk.expectSent('route r@2 t@1', 'route s@bad');
  talk.nack('route', "'s'", ['r', 's', 't']);
  talk.expectSent();
  expect(talk.rejected()).toEqual(["route s: 's'"]);
});

test('a client that reconnects with the right set is not sent it again', () => {
  const version = served().lastResponse('cluster')?.version ?? '';
  const talk = new Conversation('sotw');
  talk.want('cluster+eds a@1', 'cluster b@1', 'endpoint a@1', 'listener l@1', 'route r@1');
  talk.request('cluster', [], version);
  talk.expectSent();
  talk.request('endpoint', ['a'], 'x');
  talk.expectSent('endpoint a@1');
  talk.want('cluster+eds a@1', 'endpoint a@1', 'listener l@1', 'route r@1');
  talk.elapse(2_000);
  talk.ack('endpoint', ['a']);
  talk.expectSent('cluster a@1');
});

test('names that are dropped are not sent any more; an empty set of names ends a subscription by name', () => {
  const talk = served();
  talk.request('endpoint', []);
  talk.want('cluster+eds a@1', 'cluster b@1', 'endpoint a@2', 'listener l@1', 'route r@1');
  talk.expectSent();
});
