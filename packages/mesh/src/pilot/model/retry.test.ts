import { describe, expect, it } from 'vitest';
import { buildRetry, DEFAULT_RETRY } from './retry.ts';

describe('retries', () => {
  it('are made where they are safe if nothing is said', () => {
    expect(DEFAULT_RETRY).toMatchObject({
      attempts: 2,
      conditions: expect.not.arrayContaining(['5xx', 'reset', 'gateway-error', 'retriable-status-codes']),
    });
  });

  it('can be turned off', () => {
    expect(buildRetry({ attempts: 0 })).toEqual({ type: 'off' });
  });

  it('take status codes for conditions', () => {
    expect(buildRetry({ attempts: 3, retryOn: '5xx, 429 ,409,' })).toMatchObject({
      attempts: 3,
      conditions: ['5xx', 'retriable-status-codes', 'retriable-headers'],
      statusCodes: [429, 409],
    });
    expect(buildRetry({ retryOn: 'retriable-status-codes,503' })).toMatchObject({
      attempts: 2,
      conditions: ['retriable-status-codes', 'retriable-headers'],
      statusCodes: [503],
    });
  });

  it('carry their times in milliseconds, and leave out what is not set', () => {
    expect(buildRetry({ attempts: 1, perTryTimeout: '2s', backoff: '1.5s' })).toMatchObject({
      perTryTimeoutMs: 2000,
      baseIntervalMs: 1500,
    });
    expect(buildRetry({ attempts: 1 })).not.toHaveProperty('perTryTimeoutMs');
    expect(buildRetry({ attempts: 1 })).not.toHaveProperty('baseIntervalMs');
  });

  it('choose other instances, unless told otherwise', () => {
    expect(buildRetry({ attempts: 1 })).toMatchObject({ avoidTriedHosts: true, otherLocalities: false });
    expect(buildRetry({ attempts: 1, retryIgnorePreviousHosts: false, retryRemoteLocalities: true })).toMatchObject({
      avoidTriedHosts: false,
      otherLocalities: true,
    });
  });
});
