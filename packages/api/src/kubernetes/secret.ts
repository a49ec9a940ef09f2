import type * as z from 'zod/mini';
import { checked, clusterOnly, object, optional, type Report, required } from '../schema/field.ts';
import * as v from '../schema/values.ts';
import { configKey } from './config-map.ts';
import { metadata } from './metadata.ts';

/** Bytes of all values together, as an API server has it. */
const MAX_BYTES = 1024 * 1024;

/** Standard alphabet with padding; line breaks do not count. The message must not show the value. */
const base64 = checked(v.secretText(), (value) =>
  /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value.replaceAll(/[\r\n]/g, ''))
    ? undefined
    : 'must be base64; plain text goes under stringData',
);

/** Keys that Secrets of these types must have: all of `all`, and one of `any` if there are some. */
const KEYS: Readonly<Record<string, { readonly all?: readonly string[]; readonly any?: readonly string[] }>> = {
  'kubernetes.io/tls': { all: ['tls.crt', 'tls.key'] },
  'kubernetes.io/dockercfg': { all: ['.dockercfg'] },
  'kubernetes.io/dockerconfigjson': { all: ['.dockerconfigjson'] },
  'kubernetes.io/ssh-auth': { all: ['ssh-privatekey'] },
  'kubernetes.io/basic-auth': { any: ['username', 'password'] },
};

export const secret = object(
  {
    apiVersion: required(v.literal('v1'), 'Group and version of the kind.'),
    kind: required(v.literal('Secret'), 'The kind.'),
    metadata: required(metadata, 'Name, namespace, labels and annotations.'),
    type: optional(
      v.text(),
      'What it holds: Opaque (the default), kubernetes.io/tls with tls.crt and tls.key, or another type.',
    ),
    data: optional(v.map(base64, configKey), 'Values by key, in base64. They are never shown again.'),
    stringData: optional(
      v.map(v.secretText(), configKey),
      'Values by key, as plain text; they go before those of data. They are never shown again.',
    ),
    immutable: clusterOnly(v.bool(), 'files on one machine can always be edited'),
  },
  {
    rules(value, report) {
      checkKeys(value, report);
      const texts = Object.values(value.stringData ?? {}).reduce((sum, { length }) => sum + length, 0);
      const binaries = Object.values(value.data ?? {}).reduce((sum, { length }) => sum + (length * 3) / 4, 0);
      if (texts + binaries > MAX_BYTES) report(`holds more than ${MAX_BYTES} bytes`);
    },
  },
);

type Values = {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly stringData?: Readonly<Record<string, string>>;
};

function checkKeys({ type = 'Opaque', data = {}, stringData = {} }: Values, report: Report): void {
  const { all = [], any = [] } = Object.hasOwn(KEYS, type) ? (KEYS[type] ?? {}) : {};
  const has = (key: string) => Object.hasOwn(data, key) || Object.hasOwn(stringData, key);
  for (const key of all) if (!has(key)) report(`must have the key ${key} in a Secret of the type ${type}`, ['data']);
  if (any.length > 0 && !any.some(has)) {
    report(`must have the key ${any.join(' or ')} in a Secret of the type ${type}`, ['data']);
  }
}

export type Secret = z.infer<typeof secret>;
