import type { ConfigObject, Secret } from '@lateen/api/kinds.ts';

/** Not base64, so that what was shown is refused when somebody applies it. */
const HIDDEN = '<hidden>';

/** kubectl keeps the whole object in here, with its values. */
const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/** The object as everybody may see it: who reads the admin API needs no token. Of a Secret, the keys only. */
export function shown(object: ConfigObject): ConfigObject {
  return object.kind === 'Secret' ? withoutValues(object) : object;
}

function withoutValues({ data = {}, stringData = {}, metadata, ...rest }: Secret): Secret {
  const { [LAST_APPLIED]: _values, ...annotations } = metadata.annotations ?? {};
  const keys = [...new Set([...Object.keys(data), ...Object.keys(stringData)])].sort();
  return {
    ...rest,
    metadata: metadata.annotations === undefined ? metadata : { ...metadata, annotations },
    data: Object.fromEntries(keys.map((key) => [key, HIDDEN])),
  };
}
