import { defineCommand } from './command.ts';

export const pilot = defineCommand({
  name: 'pilot',
  summary: 'Serve configuration to Envoys of your own',
  description:
    'Reads every .yaml and .yml file below the folders and serves it over xDS (state of the world and incremental ADS) ' +
    "to Envoys that somebody else runs, with a bootstrap like Istio's: node IDs such as " +
    'sidecar~10.1.2.3~reviews-1.default~default.svc.cluster.local, or router~... for gateways, and metadata (LABELS, ' +
    'SERVICE_ACCOUNT, INTERCEPTION_MODE, ...). Edited files are live at once. Nothing else is started: no Envoy, no ' +
    'application, no certificate authority.\n\n' +
    'Plaintext is for the loopback address only. Elsewhere clients need a certificate of their service account.',
  arguments: [],
  options: {
    config: {
      type: 'texts',
      short: 'c',
      value: 'DIR',
      description: 'A folder of configuration with all below it, or a single file. May be given several times.',
    },
    'xds-address': {
      type: 'text',
      value: 'ADDRESS',
      description: 'Where to listen: HOST:PORT, or unix:/PATH (default: "127.0.0.1:15010"). Port 0 is any free one.',
    },
    'admin-address': {
      type: 'text',
      value: 'ADDRESS',
      description:
        'Where to show what there is, to this machine only: 127.0.0.1:PORT (0: any free one), or unix:/PATH for this user ' +
        'only. Commands find it by --mesh ADDRESS. Nothing can be changed there. Without it there is no such place.',
    },
    plaintext: { type: 'flag', description: 'Serve without TLS. For 127.0.0.1, [::1] and Unix sockets only.' },
    'tls-cert': { type: 'text', value: 'FILE', description: "The server's certificate, with those up to its root." },
    'tls-key': { type: 'text', value: 'FILE', description: "The key of the server's certificate." },
    'client-ca': { type: 'text', value: 'FILE', description: 'Certificate authorities that proxies have theirs from.' },
    remember: {
      type: 'text',
      value: 'FILE',
      description: 'Keeps what workloads call, for the next start. Without it, only their running proxies remember.',
    },
    'forget-after': {
      type: 'duration',
      value: 'DURATION',
      default: '1h',
      description: 'How long a workload may not ask for a host before it is found out whether it still calls it.',
    },
    scoping: {
      type: 'text',
      value: 'MODE',
      choices: ['on-demand', 'declared', 'off'],
      description:
        'What a proxy holds of the mesh. on-demand: what a Sidecar lists or, without one, what its workload calls, found ' +
        'out by asking. declared: what a Sidecar lists or, without one, all that its namespace sees. off: all that, ' +
        'whatever Sidecars say (default: "on-demand").',
    },
  },
  examples: [
    {
      command: 'lateen pilot --config mesh --xds-address 127.0.0.1:15010 --plaintext',
      description: 'Serve a folder to Envoys on this machine.',
    },
    {
      command: 'lateen pilot --config mesh --plaintext --admin-address 127.0.0.1:15014',
      description: 'The same; lateen proxy-config scope WORKLOAD --mesh 127.0.0.1:15014 shows what a proxy holds.',
    },
    {
      command:
        'lateen pilot --config mesh --xds-address 0.0.0.0:15012 --tls-cert cert.pem --tls-key key.pem --client-ca ca.pem',
      description: 'Serve it to Envoys elsewhere.',
    },
  ],
  run: async ({ options, context }) => {
    const { runPilot } = await import('./pilot/run-pilot.ts');
    return runPilot(options, context);
  },
});
