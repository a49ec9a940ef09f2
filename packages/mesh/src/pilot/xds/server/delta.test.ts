import { describe, expect, test } from 'vitest';
import { isSynced } from './order.ts';
import { Conversation } from './testing/conversation.ts';

/** A client that holds one service: cluster, endpoints, listener, route, all at version 1. */
function served(): Conversation {
  const talk = new Conversation();
  talk.want('cluster+eds a@1', 'endpoint a@1', 'listener l@1', 'route r@1');
  talk.subscribe('cluster');
  talk.ack('cluster');
  talk.subscribe('endpoint', ['a']);
  talk.ack('endpoint');
  talk.subscribe('listener');
  talk.ack('listener');
  talk.subscribe('route', ['r']);
  talk.ack('route');
  talk.expectSent('cluster a@1', 'endpoint a@1', 'listener l@1', 'route r@1');
  expect(isSynced(talk.state)).toBe(true);
  return talk;
}

describe('first synchronization', () => {
  test('a client gets what it asks for, in its own order', () => {
    served();
  });

  test('it is synced only when the endpoints of its clusters have come and listeners were asked for', () => {
    const talk = new Conversation();
    talk.want('cluster+eds a@1', 'endpoint a@1');
    talk.subscribe('cluster');
    talk.ack('cluster');
    talk.subscribe('listener');
    talk.expectSent('cluster a@1');
    talk.subscribe('endpoint', ['a']);
    talk.ack('endpoint');
    talk.expectSent('endpoint a@1', 'listener');
    expect(isSynced(talk.state)).toBe(false);
    talk.ack('listener');
    expect(isSynced(talk.state)).toBe(true);
  });

  test('with nothing to send, a first answer is due to a wildcard subscription', () => {
    const talk = new Conversation();
    talk.subscribe('cluster');
    talk.expectSent('cluster');
    talk.ack('cluster');
    talk.subscribe('listener', ['*']);
    talk.expectSent('listener');
    talk.ack('listener');
    talk.subscribe('route');
    talk.expectSent();
    expect(isSynced(talk.state)).toBe(true);
  });

  test('endpoints do not wait for the acknowledgement of clusters, which Envoy gives when they are warm', () => {
    const talk = new Conversation();
    talk.want('cluster+eds a@1', 'endpoint a@1');
    talk.subscribe('cluster');
    talk.subscribe('endpoint', ['a']);
    talk.expectSent('cluster a@1', 'endpoint a@1');
  });

  test('types that are not served are answered, so that nobody waits for them', () => {
    const talk = new Conversation();
    const secret = 'type.googleapis.com/envoy.service.runtime.v3.Runtime';
    talk.subscribe(secret, ['cert']);
    talk.expectSent(`${secret} -cert`);
    talk.subscribe(secret);
    talk.expectSent();
    for (let i = 0; i < 100; i++) talk.subscribe(`type.googleapis.com/other${i}`);
    expect(talk.state.foreign.size).toBeLessThanOrEqual(32);
  });
});

describe('changes', () => {
  test('one response of a type is in flight; meanwhile changes coalesce to the latest', () => {
    const talk = served();
    talk.want('cluster+eds a@1', 'endpoint a@2', 'listener l@1', 'route r@1');
    talk.expectSent('endpoint a@2');
    talk.want('cluster+eds a@1', 'endpoint a@3', 'listener l@1', 'route r@1');
    talk.want('cluster+eds a@1', 'endpoint a@4', 'listener l@1', 'route r@1');
    talk.expectSent();
    talk.ack('endpoint');
    talk.expectSent('endpoint a@4');
    talk.ack('endpoint');
    talk.expectSent();
    expect(isSynced(talk.state)).toBe(true);
  });

  test('a change that is taken back while one is in flight is sent, and one before that is not', () => {
    const talk = served();
    talk.want('cluster+eds a@1', 'endpoint a@2', 'listener l@1', 'route r@1');
    talk.want('cluster+eds a@1', 'endpoint a@1', 'listener l@1', 'route r@1');
    talk.ack('endpoint');
    talk.expectSent('endpoint a@2', 'endpoint a@1');
    talk.want('cluster+eds a@1', 'endpoint a@2', 'listener l@1', 'route r@1');
    talk.want('cluster+eds a@1', 'endpoint a@1', 'listener l@1', 'route r@1');
    talk.want('cluster+eds a@1', 'endpoint a@1', 'listener l@1', 'route r@1', 'route other@1');
    talk.ack('endpoint');
    talk.expectSent();
    expect(isSynced(talk.state)).toBe(true);
  });

  test('make before break: a new service', () => {
    const talk = served();
    talk.want('cluster+eds a@1', 'endpoint a@1', 'cluster+eds b@1', 'endpoint b@1', 'listener l@2', 'route r@2');
    talk.expectSent('cluster b@1');
    talk.subscribe('endpoint', ['b']);
    talk.expectSent('endpoint b@1');
    talk.ack('endpoint');
    talk.expectSent();
    talk.ack('cluster');
    talk.expectSent('listener l@2');
    talk.ack('listener');
    talk.expectSent('route r@2');
  });

  test('make before break: an extension before the listeners that refer to it, and gone after them', () => {
    const talk = served();
    talk.want('cluster+eds a@1', 'endpoint a@1', 'extension x@1', 'listener l@2', 'route r@1');
    talk.expectSent('listener l@2');
    talk.subscribe('extension', ['x']);
    talk.expectSent('extension x@1');
    talk.ack('extension');
    talk.ack('listener');
    talk.want('cluster+eds a@1', 'endpoint a@1', 'extension x@2', 'listener l@3', 'route r@1');
    talk.expectSent('extension x@2');
    talk.ack('extension');
    talk.expectSent('listener l@3');
    talk.want('cluster+eds a@1', 'endpoint a@1', 'listener l@4', 'route r@1');
    talk.ack('listener');
    talk.expectSent('listener l@4');
    talk.ack('listener');
    talk.expectSent('extension -x');
    talk.ack('extension');
    expect(isSynced(talk.state)).toBe(true);
  });

  test('make before break: a secret goes after the listener that needs it', () => {
    const talk = served();
    talk.want('secret s@1', 'cluster+eds a@1', 'endpoint a@1', 'listener l@2', 'route r@1');
    talk.expectSent('listener l@2');
    talk.subscribe('secret', ['s']);
    talk.expectSent('secret s@1');
    talk.ack('secret');
    talk.ack('listener');
    talk.want('cluster+eds a@1', 'endpoint a@1', 'listener l@3', 'route r@1');
    talk.expectSent('listener l@3');
    talk.ack('listener');
    talk.expectSent('secret -s');
  });

  test('a secret does not wait for anything, nor anything for a secret that is not there', () => {
    const talk = served();
    talk.subscribe('secret', ['s']);
    talk.expectSent('secret -s');
    talk.ack('secret');
    talk.want('secret s@1', 'cluster+eds a@1', 'endpoint a@2', 'listener l@2', 'route r@1');
    talk.expectSent('secret s@1', 'endpoint a@2');
    talk.ack('secret');
    talk.ack('endpoint');
    talk.expectSent('listener l@2');
  });

  test('make before break: removals come last, listeners go with the updates', () => {
    const talk = served();
    talk.want('listener m@1', 'route r@2');
    talk.expectSent('listener m@1 -l');
    talk.ack('listener');
    talk.expectSent('route r@2');
    talk.ack('route');
    talk.expectSent('cluster -a');
    talk.unsubscribe('endpoint', ['a']);
    talk.ack('cluster');
    talk.expectSent();
    talk.elapse(10_000);
    talk.expectSent();
    expect(isSynced(talk.state)).toBe(true);
  });

  test('a removed cluster that returns before it was taken away was never gone', () => {
    const talk = served();
    talk.want('endpoint a@1', 'listener l@1', 'route r@2');
    talk.want('cluster+eds a@1', 'endpoint a@1', 'listener l@1', 'route r@2');
    talk.ack('route');
    talk.expectSent('route r@2');
    expect(isSynced(talk.state)).toBe(true);
  });

  test('a cluster is kept for a route that was to be removed too, and is replaced instead', () => {
    const talk = served();
    talk.want('cluster c@1', 'endpoint a@1');
    talk.want('cluster c@1', 'endpoint a@1', 'listener l@2', 'route r@2');
    talk.ack('cluster');
    talk.ack('listener');
    talk.expectSent('cluster c@1', 'listener l@2', 'route r@2');
    talk.ack('route');
    talk.expectSent('cluster -a');
  });

  test('later endpoint changes do not hold up a route', () => {
    const talk = served();
    talk.want('cluster+eds a@1', 'endpoint a@2', 'listener l@1', 'route r@2');
    talk.want('cluster+eds a@1', 'endpoint a@3', 'listener l@1', 'route r@2');
    talk.expectSent('endpoint a@2');
    talk.ack('endpoint');
    talk.expectSent('endpoint a@3', 'route r@2');
  });

  test('an altered cluster is followed by its endpoints although they are the same', () => {
    const talk = served();
    talk.want('cluster+eds a@2', 'endpoint a@1', 'listener l@1', 'route r@1');
    talk.expectSent('cluster a@2', 'endpoint a@1');
  });

  test('listeners and routes do not wait for a stuck cluster beyond two seconds', () => {
    const talk = served();
    talk.want('cluster+eds a@1', 'endpoint a@1', 'cluster+eds b@1', 'listener l@2', 'route r@2');
    talk.expectSent('cluster b@1');
    expect(talk.wakeAtMs).toBe(2_000);
    talk.elapse(1_999);
    talk.expectSent();
    talk.elapse(1);
    talk.expectSent('listener l@2', 'route r@2');
    talk.ack('listener');
    talk.ack('route');
    expect(isSynced(talk.state)).toBe(false);
    expect(talk.wakeAtMs).toBeUndefined();
  });

  test('listeners do not wait for the endpoints of a cluster that is gone again, or was refused', () => {
    const talk = served();
    talk.want('cluster+eds a@1', 'endpoint a@1', 'cluster+eds b@1', 'listener l@2', 'route r@1');
    talk.ack('cluster');
    talk.expectSent('cluster b@1');
    talk.want('cluster+eds a@1', 'endpoint a@1', 'listener l@2', 'route r@1');
    talk.expectSent('listener l@2');
    talk.ack('listener');
    talk.expectSent('cluster -b');
    talk.ack('cluster');
    talk.want('cluster+eds a@1', 'endpoint a@1', 'cluster+eds c@1', 'listener l@3', 'route r@1');
    talk.nack('cluster', 'no such thing');
    talk.expectSent('cluster c@1', 'listener l@3');
  });
});

describe('subscriptions', () => {
  test('a name that does not exist is said to be absent, and sent when it appears', () => {
    const talk = served();
    talk.subscribe('route', ['later']);
    talk.expectSent('route -later');
    talk.ack('route');
    talk.want('cluster+eds a@1', 'endpoint a@1', 'listener l@1', 'route r@1', 'route later@1');
    talk.expectSent('route later@1');
  });

  test('asking again for a name is always answered, even while it is on its way', () => {
    const talk = served();
    talk.subscribe('endpoint', ['a']);
    talk.expectSent('endpoint a@1');
    talk.subscribe('endpoint', ['a']);
    talk.expectSent();
    talk.ack('endpoint');
    talk.expectSent('endpoint a@1');
  });

  test('after unsubscribing nothing more comes', () => {
    const talk = served();
    talk.unsubscribe('route', ['r']);
    talk.want('cluster+eds a@1', 'endpoint a@1', 'listener l@1', 'route r@2');
    talk.expectSent();
    expect(isSynced(talk.state)).toBe(true);
  });

  test('wildcard and names: leaving one keeps the other', () => {
    const talk = new Conversation();
    talk.want('cluster a@1', 'cluster b@1');
    talk.subscribe('cluster', ['*', 'b', 'none']);
    talk.expectSent('cluster b@1 a@1 -none');
    talk.ack('cluster');
    talk.unsubscribe('cluster', ['none']);
    talk.expectSent('cluster -none');
    talk.ack('cluster');
    talk.unsubscribe('cluster', ['*']);
    talk.want('cluster a@2', 'cluster b@2');
    talk.expectSent('cluster b@2');
  });

  test('on reconnecting, only what differs is sent, and what is gone is removed last', () => {
    const talk = new Conversation();
    talk.want('cluster+eds a@1', 'cluster+eds b@2', 'endpoint a@1', 'endpoint b@1', 'listener l@2', 'route r@1');
    talk.subscribe('cluster', [], ['a@1', 'b@1', 'gone@1']);
    talk.subscribe('endpoint', ['a', 'b'], ['a@1', 'b@1']);
    talk.expectSent('cluster b@2', 'endpoint b@1');
    talk.subscribe('listener', [], ['l@1', 'old@1']);
    talk.subscribe('route', ['r'], ['r@1']);
    talk.expectSent();
    talk.ack('endpoint');
    talk.ack('cluster');
    talk.expectSent('listener l@2 -old');
    talk.ack('listener');
    talk.expectSent('cluster -gone');
    talk.ack('cluster');
    expect(isSynced(talk.state)).toBe(true);
  });

  test('reconnecting with everything: silence', () => {
    const talk = new Conversation();
    talk.want('cluster+eds a@1', 'endpoint a@1', 'listener l@1', 'route r@1');
    talk.subscribe('cluster', [], ['a@1']);
    talk.subscribe('endpoint', ['a'], ['a@1']);
    talk.subscribe('listener', [], ['l@1']);
    talk.subscribe('route', ['r'], ['r@1']);
    talk.expectSent();
    expect(isSynced(talk.state)).toBe(true);
  });
});

describe('refusals', () => {
  test('a refused resource is reported, not sent again, and tried again when it changes', () => {
    const talk = served();
    talk.want('cluster+eds a@1', 'endpoint a@1', 'listener l@bad', 'route r@1');
    talk.nack('listener', 'bad address');
    talk.expectSent('listener l@bad');
    expect(talk.rejected()).toEqual(['listener l: bad address']);
    expect(isSynced(talk.state)).toBe(true);
    talk.want('cluster+eds a@1', 'endpoint a@1', 'listener l@1', 'route r@1');
    talk.expectSent('listener l@1');
    talk.ack('listener');
    expect(talk.rejected()).toEqual([]);
  });

  test('one bad resource among many, named by the client, is found at once', () => {
    const talk = served();
    talk.want(
      'cluster+eds a@1',
      'endpoint a@1',
      'listener l@1',
      'route r@1',
      'cluster b@1',
      'cluster bad@1',
      'cluster c@1',
    );
    talk.expectSent('cluster b@1 bad@1 c@1');
    talk.nack('cluster', "error adding 'bad'");
    talk.expectSent('cluster b@1 c@1');
    expect(talk.rejected()).toEqual([]);
    talk.ack('cluster');
    talk.expectSent('cluster bad@1');
    talk.nack('cluster', "error adding 'bad'");
    talk.expectSent();
    expect(talk.rejected()).toEqual(["cluster bad: error adding 'bad'"]);
    expect(isSynced(talk.state)).toBe(true);
  });

  test('one bad resource among many, not named, is searched by halves', () => {
    const talk = served();
    const clusters = ['b', 'c', 'd', 'e'].map((name) => `cluster ${name}@1`);
    talk.want('cluster+eds a@1', 'endpoint a@1', 'listener l@1', 'route r@1', ...clusters);
    talk.nack('cluster', '?');
    talk.expectSent('cluster b@1 c@1 d@1 e@1', 'cluster b@1 c@1');
    talk.ack('cluster');
    talk.expectSent('cluster d@1 e@1');
    talk.nack('cluster', '?');
    talk.expectSent('cluster d@1');
    talk.nack('cluster', '?');
    talk.expectSent('cluster e@1');
    talk.ack('cluster');
    expect(talk.rejected()).toEqual(['cluster d: ?']);
  });

  test('secrets go out one by one: Envoy refuses a bad one only when it sees it first', () => {
    const talk = served();
    talk.want('secret s@1', 'secret bad@1', 'cluster+eds a@1', 'endpoint a@1', 'listener l@1', 'route r@1');
    talk.subscribe('secret', ['bad', 's']);
    talk.expectSent('secret bad@1');
    talk.nack('secret', 'Failed to load private key');
    talk.expectSent('secret s@1');
    talk.ack('secret');
    talk.expectSent();
    expect(talk.rejected()).toEqual(['secret bad: Failed to load private key']);
    talk.want('secret s@2', 'secret bad@2', 'cluster+eds a@1', 'endpoint a@1', 'listener l@1', 'route r@1');
    talk.ack('secret');
    talk.ack('secret');
    expect(talk.rejected()).toEqual([]);
    expect(isSynced(talk.state)).toBe(true);
  });

  test('while a route is refused, the clusters of the one that stays in force are kept', () => {
    const talk = served();
    talk.want('cluster+eds b@1', 'endpoint b@1', 'listener l@1', 'route r@bad');
    talk.expectSent('cluster b@1');
    talk.subscribe('endpoint', ['b']);
    talk.ack('endpoint');
    talk.ack('cluster');
    talk.nack('route', 'bad route');
    talk.expectSent('endpoint b@1', 'route r@bad');
    expect(isSynced(talk.state)).toBe(true);
    talk.want('cluster+eds b@1', 'endpoint b@1', 'listener l@1', 'route r@2');
    talk.expectSent('route r@2');
    talk.ack('route');
    talk.expectSent('cluster -a');
  });

  test('a listener that takes over the port of a removed one comes with the removal or after it', () => {
    const talk = served();
    talk.want('cluster+eds a@1', 'endpoint a@1', 'listener m@1', 'listener bad@1', 'route r@1');
    talk.expectSent('listener m@1 bad@1 -l');
    talk.nack('listener', "'bad'");
    talk.ack('listener');
    talk.ack('listener');
    talk.expectSent('listener -l', 'listener m@1', 'listener bad@1');
  });

  test('an answer to an earlier response is not taken for one to the last', () => {
    const talk = served();
    const stale = talk.lastResponse('route')?.nonce ?? '';
    talk.want('cluster+eds a@1', 'endpoint a@1', 'listener l@1', 'route r@2');
    expect(talk.lastResponse('route')?.nonce).not.toBe(stale);
    talk.subscribe('route');
    expect(isSynced(talk.state)).toBe(false);
  });
});
