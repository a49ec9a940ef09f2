import { LateenError } from '@lateen/api/lateen-error.ts';
import { defineCommand } from './command.ts';
import { outputOption } from './options.ts';

export const versionCommand = defineCommand({
  name: 'version',
  summary: 'Print the version, and which Envoy is used',
  arguments: [],
  options: { output: outputOption },
  examples: [{ command: 'lateen version -o json', description: 'For a report of a fault.' }],
  run: async ({ options, context }) => {
    const envoy = await envoyHere(context.env);
    const facts = {
      lateen: context.program.version,
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
      envoy: 'path' in envoy ? envoy : null,
    };
    if (options.output === undefined) {
      context.terminal.stdout.write(`lateen ${facts.lateen} (Node.js ${facts.node}, ${facts.platform})\n`);
      context.terminal.stdout.write(
        'path' in envoy ? `envoy ${envoy.version} (${envoy.path})\n` : `${envoy.missing}\n`,
      );
      return 0;
    }
    const { printDocument } = await import('./output.ts');
    await printDocument(context.terminal.stdout, options.output, facts);
    return 0;
  },
});

type EnvoyHere = { readonly version: string; readonly path: string } | { readonly missing: string };

/** The Envoy that would be run. None is fetched to find out. */
async function envoyHere(env: NodeJS.ProcessEnv): Promise<EnvoyHere> {
  const { findEnvoy } = await import('#agent/envoy/find.ts');
  try {
    const { version, path } = await findEnvoy({ env, fetch: false });
    return { version, path };
  } catch (error) {
    if (error instanceof LateenError) return { missing: error.message };
    throw error;
  }
}
