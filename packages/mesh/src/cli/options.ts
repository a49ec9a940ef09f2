/** Options that mean the same wherever they appear. */
export const meshOption = {
  type: 'text',
  value: 'NAME',
  description:
    'The mesh, if several are running on this machine; or the --admin-address of a lateen pilot, which can be looked at.',
} as const;

export const outputOption = {
  type: 'text',
  short: 'o',
  value: 'FORMAT',
  choices: ['json', 'yaml'],
  description: 'Print for machines.',
} as const;

export const namespaceOption = {
  type: 'text',
  short: 'n',
  value: 'NAMESPACE',
  description: 'The namespace (default: "default").',
} as const;

export const fileOption = {
  type: 'texts',
  short: 'f',
  value: 'FILE',
  description: 'A file, a folder with all below it, or - for the standard input. May be given several times.',
} as const;

export const dryRunOption = {
  type: 'flag',
  description: 'Check the objects and say what would happen, without a change.',
} as const;
