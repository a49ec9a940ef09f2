import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Installed } from './debian-packages.ts';
import type { Site } from './site.ts';

const READY_TIMEOUT_MS = 5_000;
const POLL_MS = 20;
const UPSTREAM_CONNECTIONS = 64;

/** One worker each, connections kept alive on both sides, no access log: as little as they can do. */
export async function startNginx(site: Site, { path, env }: Installed): Promise<{ port: number; pid: number }> {
  const port = site.nextPort();
  const dir = join(site.dir, 'nginx');
  mkdirSync(dir, { mode: 0o700 });
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${dir}/${name};`)
    .join(' ');
  const config = `
    daemon off; master_process off; worker_processes 1; pid ${dir}/pid; error_log ${dir}/log;
    events { worker_connections 1024; }
    http {
      access_log off; ${temporary}
      keepalive_requests 1000000000;
      upstream up {
        server 127.0.0.1:${site.upstreamPort};
        keepalive ${UPSTREAM_CONNECTIONS}; keepalive_requests 1000000000;
      }
      server {
        listen 127.0.0.1:${port};
        location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; }
      }
    }`;
  const file = join(dir, 'nginx.conf');
  writeFileSync(file, config);
  return { port, pid: await run(site, path, ['-p', dir, '-c', file, '-e', join(dir, 'log')], env, port) };
}

export async function startHaproxy(site: Site, { path, env }: Installed): Promise<{ port: number; pid: number }> {
  const port = site.nextPort();
  const file = join(site.dir, 'haproxy.cfg');
  writeFileSync(
    file,
    `global
  nbthread 1
  maxconn 1000
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
listen all
  bind 127.0.0.1:${port}
  server up 127.0.0.1:${site.upstreamPort}
`,
  );
  return { port, pid: await run(site, path, ['-db', '-f', file], env, port) };
}

async function run(
  site: Site,
  path: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  port: number,
): Promise<number> {
  const child = spawn(path, args, { stdio: 'ignore', env: { ...process.env, ...env } });
  let failure: string | undefined;
  child.once('error', ({ message }) => {
    failure = message;
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  child.once('exit', (code) => {
    failure ??= `it ended with ${code}`;
  });
  site.defer(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const deadline = performance.now() + READY_TIMEOUT_MS;
  while (!(await accepts(port))) {
    if (failure !== undefined) throw new Error(`${path}: ${failure}`);
    if (performance.now() > deadline) throw new Error(`${path} does not listen`);
    await delay(POLL_MS);
  }
  return child.pid as number;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
