import { expect, test } from 'vitest';
import { gatewayApiKinds } from './gateway-api/kinds.ts';
import { type Kind, kinds } from './kinds.ts';
import { crdOf, type OpenApiSchema, openApiSchemaOf } from './openapi.ts';

const defined: readonly Kind[] = [
  ...[kinds.Gateway, kinds.VirtualService, kinds.DestinationRule, kinds.PeerAuthentication],
  ...Object.values(gatewayApiKinds),
];

function at(schema: OpenApiSchema, path: string): OpenApiSchema | undefined {
  let current: OpenApiSchema | undefined = schema;
  for (const part of path.split('.')) {
    if (part === '[]') current = current?.items;
    else if (part === '{}') current = current?.additionalProperties;
    else current = current?.properties?.[part];
  }
  return current;
}

test('fields, types, bounds, enums and descriptions come from the schema', () => {
  const schema = openApiSchemaOf(kinds.VirtualService);
  expect(schema).toMatchObject({ type: 'object', required: ['spec'] });
  expect(schema.properties).not.toHaveProperty('metadata');
  expect(at(schema, 'spec.hosts')).toMatchObject({ type: 'array', items: { type: 'string' } });
  expect(at(openApiSchemaOf(kinds.Gateway), 'spec.servers.[].hosts')).toMatchObject({ type: 'array', minItems: 1 });
  expect(at(schema, 'spec.http.[].route.[].destination.port.number')).toEqual({
    type: 'integer',
    minimum: 1,
    maximum: 65_535,
    description: 'Number of the service port.',
  });
  expect(at(schema, 'spec.http.[].timeout')).toMatchObject({
    type: 'string',
    maxLength: 64,
    'x-kubernetes-validations': [{ rule: "duration(self) >= duration('1ms')" }],
  });
  expect(at(schema, 'spec.http.[].redirect.scheme')).toMatchObject({ type: 'string', enum: ['http', 'https'] });
  expect(at(schema, 'spec.http.[].fault.abort.http2Error')?.description).toBe(
    'Not supported by Lateen yet (a field that Istio itself does not act on).',
  );
});

test('fields that exclude each other', () => {
  const schema = openApiSchemaOf(kinds.VirtualService);
  const each = [{ required: ['exact'] }, { required: ['prefix'] }, { required: ['regex'] }];
  expect(at(schema, 'spec.http.[].match.[].uri')).toMatchObject({ oneOf: each });
  expect(at(schema, 'spec.http.[].match.[].headers.{}')).toMatchObject({ oneOf: [{ not: { anyOf: each } }, ...each] });
});

test('parts that are kept as they are, and numbers or strings', () => {
  const deployment = openApiSchemaOf(kinds.Deployment);
  expect(at(deployment, 'spec.template.spec.containers.[].resources')).toMatchObject({
    type: 'object',
    'x-kubernetes-preserve-unknown-fields': true,
  });
  expect(at(openApiSchemaOf(kinds.Service), 'spec.ports.[].targetPort')).toMatchObject({
    'x-kubernetes-int-or-string': true,
  });
});

/** What Kubernetes asks of a structural schema: types on the outside, rules without types inside. */
function problemsIn(schema: OpenApiSchema, path: string): string[] {
  const problems: string[] = [];
  const free = schema['x-kubernetes-int-or-string'] === true || schema['x-kubernetes-preserve-unknown-fields'] === true;
  if (schema.type === undefined && !free) problems.push(`${path}: no type`);
  if (schema.properties !== undefined && schema.additionalProperties !== undefined)
    problems.push(`${path}: both sorts of fields`);
  if (schema.anyOf !== undefined) problems.push(`${path}: anyOf at the top`);
  const rules = JSON.stringify([schema.oneOf, schema.allOf]);
  if (/"(type|properties|description|items|additionalProperties)"/.test(rules))
    problems.push(`${path}: types in rules`);
  for (const [name, field] of Object.entries(schema.properties ?? {}))
    problems.push(...problemsIn(field, `${path}.${name}`));
  if (schema.items !== undefined) problems.push(...problemsIn(schema.items, `${path}[]`));
  if (schema.additionalProperties !== undefined) problems.push(...problemsIn(schema.additionalProperties, `${path}{}`));
  return problems;
}

test.each(defined)('the CRD of $kind is structural and serves all versions, storing one', (kind) => {
  const crd = crdOf(kind) as {
    metadata: { name: string };
    spec: {
      names: { kind: string; listKind: string };
      versions: { name: string; storage: boolean; schema: { openAPIV3Schema: OpenApiSchema } }[];
    };
  };
  expect(crd.metadata.name).toBe(`${kind.plural}.${kind.group}`);
  const writtenAs = kind.writtenAs ?? kind.kind;
  expect(crd.spec.names).toMatchObject({ kind: writtenAs, listKind: `${writtenAs}List` });
  expect(crd.spec.versions.map(({ name }) => name)).toEqual(kind.versions);
  expect(crd.spec.versions.filter(({ storage }) => storage).map(({ name }) => name)).toEqual([kind.versions[0]]);
  for (const { schema } of crd.spec.versions) expect(problemsIn(schema.openAPIV3Schema, kind.kind)).toEqual([]);
});
