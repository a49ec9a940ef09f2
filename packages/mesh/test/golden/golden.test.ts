import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCases } from './case-file.ts';
import { checkWithEnvoy } from './check-with-envoy.ts';
import { judge } from './judge.ts';
import { type LiveMesh, startLiveMesh } from './live-mesh.ts';
import { type Authorities, makeCall } from './make-call.ts';
import { simulatedPart } from './not-simulated.ts';
import { type CaseOutputs, caseOutputs } from './outputs.ts';
import { compareRecorded } from './recorded.ts';
import { simulateCall } from './simulate-call.ts';
import { type SimulatedMesh, simulateMesh } from './simulated-mesh.ts';
import { staticBootstrap } from './static-bootstrap.ts';
import { startTestAuthority } from './test-authority.ts';

/** Longer than any call may take, and than a mesh needs to start on a busy machine. */
const TIMEOUT_MS = 30_000;

const dir = mkdtempSync(join(tmpdir(), 'lateen-golden-'));
let authorities: Authorities;

beforeAll(async () => {
  authorities = { mesh: await startTestAuthority(dir, 'mesh'), foreign: await startTestAuthority(dir, 'foreign') };
});

afterAll(async () => {
  await Promise.all([authorities.mesh.close(), authorities.foreign.close()]);
  rmSync(dir, { recursive: true, force: true });
});

describe.each(findCases())('$name', (golden) => {
  const caseDir = mkdtempSync(join(dir, 'case-'));
  let outputs: CaseOutputs | undefined;
  const ensureOutputs = () => {
    outputs ??= caseOutputs(golden, caseDir);
    return outputs;
  };

  it('gives the recorded configuration', () => {
    compareRecorded(join(golden.folder, 'expected'), ensureOutputs().files);
  });

  it('has the diagnostics that are expected, and no others', () => {
    expect(
      ensureOutputs()
        .diagnostics.map(({ code }) => code)
        .sort(),
    ).toEqual(golden.diagnostics);
  });

  it('is accepted by Envoy', { timeout: TIMEOUT_MS }, async () => {
    for (const resources of ensureOutputs().resources.values()) {
      await checkWithEnvoy(staticBootstrap(resources), caseDir);
    }
  });

  describe.runIf(golden.calls.length > 0)('simulated', () => {
    let mesh: SimulatedMesh | undefined;

    beforeAll(() => {
      mesh = simulateMesh(golden, mkdtempSync(join(caseDir, 'simulated-')));
    });

    it.for(golden.calls)('$name', async (call, { annotate, skip }) => {
      if (mesh === undefined) throw new Error('there is no simulated mesh');
      const outcomes = simulateCall(call, mesh, call.atMs ?? golden.atMs);
      if (typeof outcomes === 'string') return skip(outcomes);
      const { call: part, leftOut } = simulatedPart(call, outcomes);
      for (const each of leftOut) await annotate(each, 'not simulated');
      expect(judge(part, outcomes)).toEqual([]);
    });
  });

  describe.runIf(golden.calls.length > 0)('through real Envoys', () => {
    let mesh: LiveMesh | undefined;

    beforeAll(async () => {
      mesh = await startLiveMesh(golden, mkdtempSync(join(caseDir, 'live-')), authorities.mesh);
    }, TIMEOUT_MS);

    afterAll(async () => {
      await mesh?.stop();
    });

    it.each(golden.calls)('$name', { timeout: TIMEOUT_MS }, async (call) => {
      if (mesh === undefined) throw new Error('the mesh is not running');
      await mesh.setTime(call.atMs ?? golden.atMs);
      const outcomes = await makeCall(call, mesh, authorities);
      expect(outcomes).toHaveLength(call.count);
      expect(judge(call, outcomes)).toEqual([]);
    });
  });
});
