import type { MeshStatus } from '@lateen/api/admin.ts';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { killNow } from '#local/testing/kill-now.ts';
import { eventually, gatewayUrl, isRunning, replica, Sandbox } from '../e2e/mesh.ts';
import { findChromium, launchChromium } from './chromium.ts';

const chromium = findChromium();
if (chromium === undefined) {
  const message = 'no Chromium on the PATH: install one, or name it in CHROMIUM_PATH';
  // Where nobody reads the output, tests that did not run must not look like tests that passed.
  if (process.env.CI === 'true') throw new Error(message);
  console.warn(`The browser tests are skipped: ${message}.`);
}

describe.skipIf(chromium === undefined)('in a browser', () => {
  const sandbox = new Sandbox();
  let status: MeshStatus;
  let browser: Browser;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    [status, browser] = await Promise.all([sandbox.up(), launchChromium(chromium ?? '')]);
  });

  afterAll(async () => {
    await browser?.close();
    await sandbox.close();
  });

  beforeEach(async () => {
    const context = await browser.newContext({ viewport: { width: 1200, height: 800 } });
    page = await context.newPage();
    complaints = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('requestfailed', (request) => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
  });

  afterEach(async () => {
    await page.context().close();
  });

  async function apply(file: string): Promise<void> {
    const { code, stderr } = await sandbox.lateen('apply', '-f', `${sandbox.dir}/routes/${file}`);
    expect(code, stderr).toBe(0);
  }

  describe('the product page', () => {
    beforeAll(async () => {
      await apply('all-v1.yaml');
      await apply('reviews-v2-for-jason.yaml');
    });

    it('shows the book, with its details and reviews', async () => {
      const answer = await page.goto(`${gatewayUrl(status)}/productpage`);
      expect(answer?.status()).toBe(200);
      expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('The Comedy of Errors');
      expect(await page.locator('#details').textContent()).toContain('PublisherA');
      expect(await page.locator('#reviews blockquote').count()).toBe(2);
      expect(complaints).toEqual([]);
    });

    it('shows black stars to jason while he is signed in, and none before and after', async () => {
      const stars = page.locator('#reviews .stars');
      await page.goto(`${gatewayUrl(status)}/productpage`);
      expect(await stars.count()).toBe(0);

      await page.getByRole('button', { name: 'Sign in' }).click();
      await page.getByLabel('User name').fill('jason');
      await page.locator('#sign-in').getByRole('button', { name: 'Sign in' }).click();
      await page.locator('.user', { hasText: 'jason' }).waitFor();
      expect(await stars.evaluateAll((all) => all.map((each) => each.getAttribute('data-color')))).toEqual([
        'black',
        'black',
      ]);
      expect(await page.evaluate("getComputedStyle(document.querySelector('.stars')).color")).toBe('rgb(27, 39, 51)');
      expect(await page.locator('#reviews .served').textContent()).toContain('reviews-v2-0');

      await page.getByRole('link', { name: 'sign out' }).click();
      await page.getByRole('button', { name: 'Sign in' }).waitFor();
      expect(await stars.count()).toBe(0);
      expect(complaints).toEqual([]);
    });

    it('leads from the front page to the book', async () => {
      await page.goto(gatewayUrl(status));
      await page.getByRole('link', { name: 'Normal user' }).click();
      await page.getByRole('heading', { name: 'The Comedy of Errors' }).waitFor();
      expect(complaints).toEqual([]);
    });
  });

  describe('the status page', () => {
    const row = (name: string) => page.locator('tr', { has: page.locator('strong', { hasText: name }) });

    it('shows the mesh, its gateway and all replicas ready', async () => {
      const answer = await page.goto(status.control.admin);
      expect(answer?.status()).toBe(200);
      expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('bookinfo');
      expect(await page.locator('header').textContent()).toContain('6 of 6 replicas ready');
      await page.getByRole('link', { name: gatewayUrl(status) }).waitFor();
      for (const { name } of status.workloads) {
        const text = await row(name).textContent();
        expect(text, name).toContain('Ready');
        expect(text, name).toContain('Synced');
      }
      expect(complaints).toEqual([]);
    });

    it('shows by itself that a process was replaced', async () => {
      await page.goto(status.control.admin);
      const { name, pid } = replica(status, 'ratings-v1');
      expect(await row(name).textContent()).toContain(`app ${pid}`);
      killNow(pid);
      await eventually('gone', () => !isRunning(pid ?? 0));
      await eventually('the page shows another process', async () => {
        const text = (await row(name).textContent()) ?? '';
        return text.includes('Ready') && /app \d+/.test(text) && !text.includes(`app ${pid}`);
      });
      expect(complaints).toEqual([]);
    });

    it('shows what is wrong with a file, and that it is right again', async () => {
      await page.goto(status.control.admin);
      sandbox.write('broken.yaml', 'kind: Nonsense\n');
      await page.getByText('broken.yaml').waitFor();
      sandbox.write('broken.yaml', '');
      await page.getByText('broken.yaml').waitFor({ state: 'detached' });
      expect(complaints).toEqual([]);
    });
  });
});
