import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { GatewayStatus } from '@lateen/api/admin.ts';
import { INGRESS_GATEWAY, usualHostPort } from '@lateen/api/gateway-workload.ts';
import { expect } from 'vitest';
import { Sandbox } from '../e2e/mesh.ts';
import { type GuideStep, matches, onlyLooks, showsFailure } from './guide-file.ts';
import { Shell, type ShellResult } from './shell.ts';

export const ROOT = join(import.meta.dirname, '../../../..');
/** Where the pages say that the admin server is, which is so while this port is free. */
const USUAL_ADMIN_PORT = 19_000;

const SETTLE_MS = 20_000;
const INTERVAL_MS = 50;

/** Somebody who types the commands of pages, in a checkout of their own: pages edit files of it. */
export class Reader {
  readonly #sandbox = new Sandbox(null);
  readonly #shell: Shell;
  /** The ports that things really have, by those that the pages say; only what is somewhere else. */
  #ports: ReadonlyMap<number, number> = new Map();

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
        await this.#findPorts();
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
    const { code, output } = await this.#shell.run(this.#here(commands));
    if (/\blateen (up|apply)\b/.test(commands) && code === 0) await this.#findPorts();
    // Where a gateway has another port than the usual one, that is explained, and tables are wider.
    const comparable = (text: string) =>
      this.#ports.size === 0 ? text : evenly(text.replaceAll(/ \(port \d+\)/g, ''));
    const seen = comparable(output);
    const wanted = expected === undefined ? undefined : comparable(this.#here(expected));
    if (wanted !== undefined && !matches(wanted, seen)) expect(seen).toBe(wanted);
    if (!showsFailure(expected)) expect(code, seen).toBe(0);
  }

  /** Other ports may be used than the usual ones; a gateway has one only when a Gateway asks for it. */
  async #findPorts(): Promise<void> {
    const status = await this.#sandbox.status().catch(() => undefined);
    const ports = usualPorts(status?.gateways ?? []);
    if (status !== undefined) ports.push([USUAL_ADMIN_PORT, Number(new URL(status.control.admin).port)]);
    this.#ports = new Map(ports.filter(([usual, here]) => usual !== here));
  }

  /** For this machine, and for the hosts that a gateway serves. */
  #here(text: string): string {
    return text.replaceAll(/\b((?:localhost|[\w-]+\.example\.com):)(\d+)\b/g, (_, host: string, port: string) => {
      return `${host}${this.#ports.get(Number(port)) ?? port}`;
    });
  }
}

/** However wide the columns of tables are. */
function evenly(text: string): string {
  return text.replaceAll(/ {2,}/g, '  ');
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

/** The ports that gateways have, each behind the one that it would have if nothing else listened on this machine. */
function usualPorts(gateways: readonly GatewayStatus[]): [usual: number, here: number][] {
  const isIngress = ({ name }: GatewayStatus) => name === INGRESS_GATEWAY.name;
  const own = gateways.filter(({ labels }) => labels['gateway.networking.k8s.io/gateway-name'] !== undefined);
  // Held by the ingress gateway, whether a Gateway asks for it or not.
  const taken = new Set([usualHostPort(80)]);
  return [
    ...gateways
      .filter(isIngress)
      .flatMap(({ ports }) => ports.map(({ port, hostPort }): [number, number] => [usualHostPort(port), hostPort])),
    ...own.flatMap(({ ports }) =>
      ports.map(({ port, hostPort }): [number, number] => {
        let usual = usualHostPort(port);
        while (taken.has(usual)) usual++;
        taken.add(usual);
        return [usual, hostPort];
      }),
    ),
  ];
}
