import type { GatewayStatus, MeshStatus, ServiceStatus, WorkloadStatus } from '@lateen/api/admin.ts';
import type { Diagnostic } from '@lateen/api/diagnostic.ts';
import { gatewayUrls } from '@lateen/api/gateway-urls.ts';
import { writtenKind } from '@lateen/api/written-kind.ts';
import { html, raw } from 'hono/html';
import { css } from './status-page.css.ts';

type Html = ReturnType<typeof html>;

/** Only what carries the nonce may style or run, so that no name or message from a manifest can. */
export function pagePolicy(nonce: string): string {
  return [
    "default-src 'none'",
    `style-src 'nonce-${nonce}'`,
    `script-src 'nonce-${nonce}'`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** The whole page. `html` escapes every value; what is `raw` is written in this folder. */
export async function statusPage(status: MeshStatus, nonce: string): Promise<string> {
  return String(
    await html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${status.mesh} · Lateen</title>
<link rel="icon" href="data:image/svg+xml,${encodeURIComponent(icon('#0b6e8f'))}">
<style nonce="${nonce}">${raw(css)}</style>
</head>
<body>
<div id="stale" class="warn" role="status">The control plane does not answer at the moment. Envoy keeps serving; this page goes on when it is back.</div>
<div id="live">${live(status)}</div>
<script nonce="${nonce}">${raw(script)}</script>
</body>
</html>
`,
  );
}

function live(status: MeshStatus): Html {
  const { gateways, workloads, services, diagnostics } = status;
  const ready = workloads.filter((each) => each.ready).length;
  return html`<header>
${raw(icon('currentColor'))}<h1>${status.mesh}</h1>
${status.ready ? badge('good', 'Ready') : badge('warn', 'Not ready')}
<span class="summary">${ready} of ${workloads.length} replicas ready · control plane ${status.control.pid} · supervisor ${status.supervisor.pid}</span>
</header>
<main>
${diagnostics.length === 0 ? '' : section('Diagnostics', ['', 'Where', 'Message'], diagnostics.map(diagnosticRow))}
<h2>Gateways</h2>
${gateways.length === 0 ? html`<p class="card empty">No gateway.</p>` : html`<div class="gateways">${gateways.map(gatewayCard)}</div>`}
${section('Workloads', ['Replica', 'Version', 'State', 'Identity', 'Proxy', 'Processes'], workloads.map(workloadRow))}
${section('Services', ['Service', 'Ports', 'Versions', 'Ready'], services.map(serviceRow))}
<footer><a href="/api/v1/status">Status as JSON</a> · <a href="/api/v1/objects">Objects</a> · <a href="/api/v1/proxies">Proxies</a></footer>
</main>`;
}

function section(title: string, columns: readonly string[], rows: readonly Html[]): Html {
  return html`<h2>${title}</h2>
<div class="scroll">${
    rows.length === 0
      ? html`<p class="empty">None.</p>`
      : html`<table><thead><tr>${columns.map((each) => html`<th>${each}</th>`)}</tr></thead><tbody>${rows}</tbody></table>`
  }</div>`;
}

function gatewayCard(gateway: GatewayStatus): Html {
  return html`<div class="card">
<div class="url">${gatewayUrls(gateway).map((url) => html`${link(url.replace(/ .*/, ''), url)} `)}${gateway.ready ? badge('good', 'Ready') : badge('warn', 'Not ready')}</div>
<div>${qualified(gateway)}</div>
<code>${gateway.spiffeId}</code>
<div>${link(gateway.envoyAdmin, 'Envoy admin')} · ${process('Envoy', gateway.pid)}</div>
</div>`;
}

function workloadRow(workload: WorkloadStatus): Html {
  const restarts = workload.restarts === 0 ? '' : html`<small>${workload.restarts} restarts</small>`;
  const message = workload.message === undefined ? '' : html`<small>${workload.message}</small>`;
  return html`<tr>
<td><strong>${qualified(workload)}</strong></td>
<td>${workload.labels.version ?? '–'}</td>
<td>${workload.ready ? badge('good', 'Ready') : badge('warn', workload.phase)}${message}${restarts}</td>
<td><code>${workload.spiffeId}</code></td>
<td>${proxyState(workload.proxy)}</td>
<td>${process('app', workload.pid)}<small>${link(workload.envoyAdmin, process('Envoy', workload.envoyPid))}</small></td>
</tr>`;
}

function proxyState(proxy: WorkloadStatus['proxy']): Html {
  if (!proxy.connected) return badge('bad', 'Not connected');
  if (proxy.rejected !== undefined) return html`${badge('bad', 'Rejects')}<small>${proxy.rejected}</small>`;
  return proxy.synced ? badge('good', 'Synced') : badge('warn', 'Syncing');
}

function serviceRow(service: ServiceStatus): Html {
  const ports = service.ports.map(({ name, port }) => (name === undefined ? `${port}` : `${port}/${name}`)).join(', ');
  const tone = service.ready === service.total && service.total > 0 ? 'good' : service.ready === 0 ? 'bad' : 'warn';
  const byName = service.total === 0 && (service.resolution === 'by-name' || service.resolution === 'original');
  return html`<tr>
<td><strong>${qualified(service)}</strong><small>${service.hostname}</small></td>
<td>${ports}</td><td>${service.versions.join(', ') || '–'}</td>
<td>${byName ? 'by name' : badge(tone, `${service.ready}/${service.total}`)}</td>
</tr>`;
}

function diagnosticRow(diagnostic: Diagnostic): Html {
  const { code, severity, message, object, file, line, path } = diagnostic;
  const tone = severity === 'error' ? 'bad' : severity === 'warning' ? 'warn' : 'good';
  const name = object === undefined ? '' : html`<small>${writtenKind(object.kind)} ${qualified(object)}</small>`;
  const place = path === undefined || path === '' ? '' : html`<small><code>${path}</code></small>`;
  return html`<tr>
<td>${badge(tone, code)}</td>
<td>${file === undefined ? '' : html`<code>${file}${line === undefined ? '' : `:${line}`}</code>`}${name}</td>
<td>${message}${place}</td>
</tr>`;
}

function badge(tone: 'good' | 'warn' | 'bad', text: string): Html {
  return html`<span class="badge ${tone}">${text}</span>`;
}

function process(title: string, pid: number | null): string {
  return pid === null ? `${title} down` : `${title} ${pid}`;
}

function qualified({ name, namespace }: { name: string; namespace: string }): string {
  return namespace === '' || namespace === 'default' ? name : `${name}.${namespace}`;
}

/** A link only if it leads to a web server: no other scheme gets into the page. */
function link(url: string, text: string): Html {
  return /^https?:\/\//.test(url) ? html`<a href="${url}" rel="noreferrer">${text}</a>` : html`${text}`;
}

/** A lateen sail. */
function icon(colour: string): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" fill="${colour}"><path d="M4 21 27 3c-1 8-4 14-9 18zM3 24h26c-2 4-5 6-9 6h-8c-4 0-7-2-9-6z"/></svg>`;
}

/**
 * Asks for the status once a second while the page is seen; when it has changed, fetches the page and puts its content
 * in the place of the old: the server alone renders.
 */
const script = `
let etag = '';
const stale = document.getElementById('stale');
async function refresh() {
  if (document.hidden) return;
  const answer = await fetch('/api/v1/status', { headers: etag ? { 'If-None-Match': etag } : {}, cache: 'no-store', signal: AbortSignal.timeout(5000) });
  if (answer.status === 304) return;
  if (!answer.ok) throw new Error(answer.statusText);
  const page = await fetch('/', { cache: 'no-store', signal: AbortSignal.timeout(5000) });
  if (!page.ok) throw new Error(page.statusText);
  const text = await page.text();
  // Without the head: its style has the nonce of the other page.
  const next = new DOMParser().parseFromString(text.slice(text.indexOf('<body>')), 'text/html');
  document.getElementById('live').replaceWith(document.importNode(next.getElementById('live'), true));
  etag = answer.headers.get('ETag') || '';
}
async function loop() {
  try { await refresh(); stale.classList.remove('shown'); } catch { stale.classList.add('shown'); }
  setTimeout(loop, 1000);
}
setTimeout(loop, 1000);
`;
