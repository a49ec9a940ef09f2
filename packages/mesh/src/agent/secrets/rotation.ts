import { setTimeout as delay } from 'node:timers/promises';
import type { WorkloadCertificate } from './workload-certificate.ts';

export interface RotationOptions {
  readonly request: (signal: AbortSignal) => Promise<WorkloadCertificate>;
  readonly onCertificate: (certificate: WorkloadCertificate) => void;
  readonly onFailure: (error: unknown) => void;
  readonly signal: AbortSignal;
}

/** Istio renews at half of the lifetime; the jitter keeps the workloads of a host apart. */
const renewAtFraction = 0.5;
const renewJitter = 0.1;

const firstRetryMs = 20;
/** Until there is a first certificate, the workload waits for it. */
const maxRetryWithoutMs = 250;
const maxRetryMs = 10_000;
/** Retry at least this often in what is left of the old certificate's time. */
const retriesInRemainder = 20;

/** Timers stand still while a computer sleeps; so look at the clock now and then. */
const clockCheckMs = 30_000;

/** Keeps a certificate fresh until `signal` is aborted. While renewing fails, the old one stays in use. */
export async function keepCertificateFresh(options: RotationOptions): Promise<void> {
  const { request, onCertificate, onFailure, signal } = options;
  let current: WorkloadCertificate | undefined;
  let failures = 0;
  while (!signal.aborted) {
    let waitUntil: number;
    try {
      current = await request(signal);
      if (signal.aborted) return;
      failures = 0;
      onCertificate(current);
      waitUntil = renewalTime(current.notAfter.getTime(), Date.now(), Math.random());
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      onFailure(error);
      waitUntil = Date.now() + retryDelay(failures, current?.notAfter.getTime(), Date.now(), Math.random());
    }
    await sleepUntil(waitUntil, signal);
  }
}

/** When to renew a certificate that ends at `notAfter`, in milliseconds since 1970. */
export function renewalTime(notAfter: number, now: number, random: number): number {
  return now + (notAfter - now) * (renewAtFraction + renewJitter * random);
}

/** How long to wait after the `failures`th failure in a row: exponential, with half of it at random. */
export function retryDelay(failures: number, notAfter: number | undefined, now: number, random: number): number {
  const remaining = notAfter === undefined ? 0 : notAfter - now;
  const max =
    remaining <= 0
      ? maxRetryWithoutMs
      : Math.min(maxRetryMs, Math.max(maxRetryWithoutMs, remaining / retriesInRemainder));
  const full = Math.min(max, firstRetryMs * 2 ** Math.min(failures - 1, 20));
  return full * (0.5 + 0.5 * random);
}

async function sleepUntil(time: number, signal: AbortSignal): Promise<void> {
  for (let left = time - Date.now(); left > 0 && !signal.aborted; left = time - Date.now()) {
    await delay(Math.min(left, clockCheckMs), undefined, { signal }).catch(() => undefined);
  }
}
