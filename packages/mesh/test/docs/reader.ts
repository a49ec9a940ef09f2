import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'vitest';
import { Sandbox } from '../e2e/mesh.ts';
import { type GuideStep, matches, onlyLooks, showsFailure } from './guide-file.ts';
import { Shell, type ShellResult } from './shell.ts';

export const ROOT = join(import.meta.dirname, '../../../..');
/** What the pages say where the gateway and the admin server are, which is so while these ports are free. */
const USUAL_ADDRESSES = { gateway: 'localhost:8080', https: 'localhost:8443', admin: 'localhost:19000' };

const SETTLE_MS = 20_000;
const INTERVAL_MS = 50;

/** Somebody who types the commands of pages, in a checkout of their own: pages edit files of it. */
export class Reader {
  readonly #sandbox = new Sandbox(null);
  readonly #shell: Shell;
  #addresses = USUAL_ADDRESSES;

  constructor() {
    const checkout = join(this.#sandbox.home, 'checkout');
    mkdirSync(checkout);
    for (const entry of readdirSync(ROOT).filter((each) => each !== '.git' && each !== 'samples')) {
      symlinkSync(join(ROOT, entry), join(checkout, entry));
    }
    cpSync(join(ROOT, 'samples'), join(checkout, 'samples'), { recursive: true });
    this.#shell = new Shell(checkout, { ...this.#sandbox.env, npm_config_update_notifier: 'false' });
  }

  /** Does what a page says and looks at what it shows; looks again for a while where looking changes nothing. */
  async follow(step: GuideStep): Promise<void> {
    if (!onlyLooks(step.commands)) return this.#check(step);
    await repeat(async () => {
      try {
        await this.#check(step);
      } catch (error) {
        await this.#findAddresses();
        throw error;
      }
    });
  }

  /** Runs commands that no page shows. */
  run(commands: string): Promise<ShellResult> {
    return this.#shell.run(commands);
  }

  async close(): Promise<void> {
    this.#shell.close();
    await this.#sandbox.close();
  }

  async #check({ commands, expected }: GuideStep): Promise<void> {
    const result = await this.#shell.run(this.#here(commands));
    const { code } = result;
    if (/\blateen up\b/.test(commands) && code === 0) await this.#findAddresses();
    // Where the gateway has another port than the usual one, that is explained.
    const isUsual = this.#addresses.gateway === USUAL_ADDRESSES.gateway;
    const output = isUsual ? result.output : result.output.replaceAll(/ \(port (80|443)\)/g, '');
    if (expected !== undefined && !matches(this.#here(expected), output)) expect(output).toBe(this.#here(expected));
    if (!showsFailure(expected)) expect(code, output).toBe(0);
  }

  /** Other ports may be used than the usual ones; a gateway has one only when a Gateway asks for it. */
  async #findAddresses(): Promise<void> {
    const status = await this.#sandbox.status().catch(() => undefined);
    const urlOf = (text: string | undefined, usual: string) =>
      text && URL.canParse(text) ? new URL(text).host : usual;
    const hostPort = status?.gateways[0]?.ports.find(({ port }) => port === 443)?.hostPort;
    this.#addresses = {
      gateway: urlOf(status?.gateways[0]?.url, USUAL_ADDRESSES.gateway),
      https: hostPort === undefined ? USUAL_ADDRESSES.https : `localhost:${hostPort}`,
      admin: urlOf(status?.control.admin, USUAL_ADDRESSES.admin),
    };
  }

  #here(text: string): string {
    const { gateway, https, admin } = this.#addresses;
    return text
      .replaceAll(USUAL_ADDRESSES.gateway, gateway)
      .replaceAll(USUAL_ADDRESSES.https, https)
      .replaceAll(USUAL_ADDRESSES.admin, admin);
  }
}

/** Tries again until nothing is thrown, or for as long as a mesh may take to become what it shall be. */
export async function repeat(check: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + SETTLE_MS;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await setTimeout(INTERVAL_MS);
    }
  }
}
