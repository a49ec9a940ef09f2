import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { Call, CallResult, Request } from './inside.ts';

const run = promisify(execFile);
const COMMAND_TIMEOUT_MS = 10_000;

/** The application's own address: the kernel redirects what comes from it, and nothing that comes from its proxy. */
const APPLICATION_ADDRESS = '10.9.9.9';
const HUB_ADDRESS = '10.1.0.254';

/** Why this machine cannot have networks of a test's own, or undefined if it can. */
export async function whyNoNetworks(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'only Linux has network namespaces';
  try {
    await run('unshare', ['-rn', 'sh', '-c', 'ip link set lo up && iptables -t nat -L -n'], {
      timeout: COMMAND_TIMEOUT_MS,
    });
    return undefined;
  } catch (error) {
    return `no network namespace with iptables: ${(error as Error).message.split('\n').slice(0, 2).join(' ')}`;
  }
}

/** Machines with addresses of their own, joined by a switch. Nothing of it is seen outside, and no privileges are needed. */
export class Network {
  readonly #dir: string;
  readonly #hub: Holder;
  readonly #machines: Machine[] = [];

  private constructor(dir: string, hub: Holder) {
    this.#dir = dir;
    this.#hub = hub;
  }

  static async create(dir: string): Promise<Network> {
    const hub = await hold('unshare', ['-rn']);
    const network = new Network(dir, hub);
    await inside(hub, 'ip link set lo up && ip link add hub type bridge && ip link set hub up');
    await inside(hub, `ip addr add ${HUB_ADDRESS}/16 dev hub`);
    return network;
  }

  /** A machine with an address in 10.1.0.0/16, or in another network if it is `outside` (reached through the hub). */
  async machine(address: string, options: { readonly redirect?: boolean } = {}): Promise<Machine> {
    const number = this.#machines.length;
    const namespace = await hold('nsenter', [...enter(this.#hub), 'unshare', '-n']);
    const link = `to${number}`;
    await inside(this.#hub, `ip link add ${link} type veth peer name eth0 netns ${namespace.pid}`);
    await inside(this.#hub, `ip link set ${link} master hub && ip link set ${link} up`);
    await inside(namespace, `ip link set lo up && ip addr add ${address}/8 dev eth0 && ip link set eth0 up`);
    await inside(namespace, 'ip route add default dev eth0');
    if (options.redirect === true) {
      await inside(namespace, `ip addr add ${APPLICATION_ADDRESS}/32 dev lo`);
      await inside(
        namespace,
        `iptables -t nat -A OUTPUT -p tcp -s ${APPLICATION_ADDRESS} -j REDIRECT --to-ports 15001`,
      );
      await inside(namespace, 'iptables -t nat -A PREROUTING -i eth0 -p tcp -j REDIRECT --to-ports 15006');
    }
    const machine = new Machine(address, namespace, join(this.#dir, `enter-${number}`));
    this.#machines.push(machine);
    return machine;
  }

  async close(): Promise<void> {
    for (const machine of this.#machines) machine.close();
    await end(this.#hub.child);
  }
}

/** One network namespace, and a process in it that is its application. */
export class Machine {
  readonly address: string;
  readonly #namespace: Holder;
  readonly #entrance: string;
  readonly #child: ChildProcess;
  readonly #answers = new Map<number, PromiseWithResolvers<CallResult>>();
  #calls = 0;

  constructor(address: string, namespace: Holder, entrance: string) {
    this.address = address;
    this.#namespace = namespace;
    this.#entrance = entrance;
    const script = join(import.meta.dirname, 'inside.ts');
    this.#child = spawn('nsenter', [...enter(namespace), process.execPath, script], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    if (this.#child.stdout === null) throw new Error('no output');
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      const { id, result } = JSON.parse(line) as { id: number; result: CallResult };
      this.#answers.get(id)?.resolve(result);
      this.#answers.delete(id);
    });
    this.#child.once('exit', () => {
      for (const { reject } of this.#answers.values()) reject(new Error('the application has ended'));
    });
  }

  /** A program that runs another one here: `ENTRANCE PROGRAM ARGUMENTS`, but for a fixed PROGRAM. */
  entranceFor(program: string): string {
    const quoted = [...enter(this.#namespace), program].map((each) => `'${each}'`).join(' ');
    writeFileSync(this.#entrance, `#!/bin/sh\nexec nsenter ${quoted} "$@"\n`);
    chmodSync(this.#entrance, 0o700);
    return this.#entrance;
  }

  /** Starts an application that answers with its name. */
  async listen(port: number, name: string, options: { address?: string; greets?: boolean } = {}): Promise<void> {
    const { error } = await this.#ask({ type: 'listen', port, name, ...options });
    if (error !== undefined) throw new Error(error);
  }

  /** A call by the application, which its proxy takes where it is redirected. */
  async call(call: Omit<Call, 'from'> & { readonly from?: string }): Promise<CallResult> {
    return this.#ask({ type: 'call', from: APPLICATION_ADDRESS, ...call });
  }

  /** A call from the machine itself, which nothing redirects. */
  async callDirectly(call: Omit<Call, 'from'>): Promise<CallResult> {
    return this.#ask({ type: 'call', from: this.address, ...call });
  }

  #ask(request: Request): Promise<CallResult> {
    const id = this.#calls++;
    const answer = Promise.withResolvers<CallResult>();
    this.#answers.set(id, answer);
    this.#child.stdin?.write(`${JSON.stringify({ id, request })}\n`);
    return answer.promise;
  }

  close(): void {
    this.#child.removeAllListeners('exit');
    this.#child.kill('SIGKILL');
    this.#namespace.child.kill('SIGKILL');
  }
}

/** A process that keeps a namespace open. */
interface Holder {
  readonly pid: number;
  readonly child: ChildProcess;
}

async function hold(command: string, args: readonly string[]): Promise<Holder> {
  const child = spawn(command, [...args, 'sh', '-c', 'echo $$; exec sleep 1000000'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const pid = await new Promise<number>((resolve, reject) => {
    child.stdout.once('data', (text: Buffer) => resolve(Number(text.toString())));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${command} ended with ${code}`)));
  });
  return { pid, child };
}

function enter({ pid }: Holder): string[] {
  return ['--preserve-credentials', '-U', '-n', '-t', String(pid), '--'];
}

async function inside(holder: Holder, script: string): Promise<void> {
  await run('nsenter', [...enter(holder), 'sh', '-c', script], { timeout: COMMAND_TIMEOUT_MS });
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });
}
