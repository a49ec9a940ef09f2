import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { Kind } from '../kinds.ts';
import { type OpenApiSchema, openApiSchemaOf } from '../openapi.ts';
import { gatewayApiKinds } from './kinds.ts';

const BOUNDS = ['minimum', 'maximum', 'minLength', 'maxLength', 'minItems', 'maxItems', 'maxProperties'];

/** Where a CRD leaves to its controllers what is wrong, and Lateen says it at once. */
const STRICTER = [
  ...['matchExpressions[].key', 'matchExpressions[].operator', 'forwardBody.maxSize', 'externalAuth.http.path'],
  ...['spec.internalTrafficPolicy', 'spec.ipFamilies[]', 'spec.sessionAffinity', 'clientIP.timeoutSeconds'],
  ...['spec.ports[].port', 'spec.ports[].protocol'],
];

function isComparable(line: string): boolean {
  const [path = ''] = line.split(' ');
  return !STRICTER.some((end) => path.endsWith(end));
}

/** Each field below with its type, what it requires, and its bounds, as the files in `testdata/schema-bounds` have it. */
function boundsOf(schema: OpenApiSchema, path: string): string[] {
  const { type = '', required = [], properties = {}, items, additionalProperties } = schema;
  const values = schema.enum as readonly unknown[] | undefined;
  const facts = [
    ...(required.length === 0 ? [] : [`required=${required.toSorted().join(',')}`]),
    ...(values === undefined ? [] : [`enum=${values.map(String).toSorted().join(',')}`]),
    ...BOUNDS.filter((name) => schema[name] !== undefined).map((name) => `${name}=${schema[name]}`),
  ];
  return [
    [path, type, ...facts].join(' '),
    ...Object.entries(properties).flatMap(([name, field]) => boundsOf(field, `${path}.${name}`)),
    ...(items === undefined ? [] : boundsOf(items, `${path}[]`)),
    ...(additionalProperties === undefined ? [] : boundsOf(additionalProperties, `${path}{}`)),
  ];
}

test.each(Object.values(gatewayApiKinds) as Kind[])('$kind has the types and bounds of its CRD', (kind) => {
  const file = new URL(`../../testdata/schema-bounds/${kind.kind}.txt`, import.meta.url);
  const { properties = {} } = openApiSchemaOf(kind);
  const ours = boundsOf(properties.spec ?? {}, 'spec').toSorted();
  const theirs = readFileSync(file, 'utf8').trimEnd().split('\n');
  expect(ours.filter(isComparable)).toEqual(theirs.filter(isComparable));
});
