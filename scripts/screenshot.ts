// Makes docs/images/bookinfo.png anew, from a real mesh: `node scripts/screenshot.ts`. It needs a Chromium.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { findChromium, launchChromium } from '../packages/mesh/test/browser/chromium.ts';
import { fetchText, gatewayUrl, Sandbox } from '../packages/mesh/test/e2e/mesh.ts';

const TARGET = join(import.meta.dirname, '../docs/images/bookinfo.png');
const MAX_BYTES = 300_000;
const PAGE_WIDTH = 1200;
/** Pages are drawn smaller than life, so that two of them fit. */
const SCALE = 0.75;
const WIDTH = PAGE_WIDTH * SCALE;

interface Shot {
  readonly url: string;
  readonly png: Buffer;
}

async function shoot(browser: Browser, url: string, height: number, cookie?: string): Promise<Shot> {
  const context = await browser.newContext({
    viewport: { width: PAGE_WIDTH, height },
    deviceScaleFactor: SCALE,
    ...(cookie === undefined ? {} : { extraHTTPHeaders: { cookie } }),
  });
  const page = await context.newPage();
  await page.goto(url, { waitUntil: 'networkidle' });
  const png = await page.screenshot();
  await context.close();
  return { url: url.replace('http://', ''), png };
}

/** One window above the other, each with its address. */
async function compose(browser: Browser, shots: readonly Shot[]): Promise<Buffer> {
  const page = await browser.newPage({ viewport: { width: WIDTH + 42, height: 100 } });
  const windows = shots.map(
    ({ url, png }) => `<figure><figcaption><i></i><i></i><i></i><span>${url}</span></figcaption>
<img src="data:image/png;base64,${png.toString('base64')}"></figure>`,
  );
  await page.setContent(`<!doctype html><style>
body { margin: 0; padding: 20px; background: #dfe6ea; font: 13px system-ui, sans-serif; display: grid; gap: 20px }
figure { margin: 0; border-radius: 8px; overflow: hidden; border: 1px solid #b8c4cb; background: #fff }
figcaption { display: flex; gap: 6px; align-items: center; padding: 8px 12px; background: #eef2f4; border-bottom: 1px solid #ccd5da }
i { width: 10px; height: 10px; border-radius: 5px; background: #c3ced4 }
span { margin-left: 12px; padding: 3px 14px; border-radius: 6px; background: #fff; color: #44525b; flex: 1 }
img { display: block; width: 100% }
</style>${windows.join('')}`);
  await page.evaluate('Promise.all([...document.images].map((image) => image.decode()))');
  const png = await page.screenshot({ fullPage: true });
  await page.close();
  return png;
}

async function signIn(url: string): Promise<string> {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };
  const { headers } = await fetchText(`${url}/login`, form, 'POST', 'username=jason');
  return [headers['set-cookie'] ?? []].flat()[0]?.split(';', 1)[0] ?? '';
}

const chromium = findChromium();
if (chromium === undefined) throw new Error('no Chromium on the PATH: install one, or name it in CHROMIUM_PATH');
const sandbox = new Sandbox();
let browser: Browser | undefined;
try {
  const status = await sandbox.up();
  for (const file of ['all-v1.yaml', 'reviews-v2-for-jason.yaml']) {
    const { code, stderr } = await sandbox.lateen('apply', '-f', join(sandbox.dir, 'routes', file));
    if (code !== 0) throw new Error(stderr);
  }
  browser = await launchChromium(chromium);
  const gateway = gatewayUrl(status);
  if (gateway !== 'http://localhost:8080' || status.control.admin !== 'http://localhost:19000') {
    throw new Error('port 8080 or 19000 is taken, and the picture would show others than readers will see');
  }
  const png = await compose(browser, [
    await shoot(browser, `${gateway}/productpage`, 800, await signIn(gateway)),
    await shoot(browser, status.control.admin, 740),
  ]);
  if (png.length > MAX_BYTES) throw new Error(`the picture has ${png.length} bytes, more than ${MAX_BYTES}`);
  writeFileSync(TARGET, png);
  console.log(`${TARGET}: ${png.length} bytes`);
} finally {
  await browser?.close();
  await sandbox.close();
}
