import type * as z from 'zod/mini';
import { objectSchema } from '../kubernetes/metadata.ts';
import { isDnsLabel, isHost, isIp } from '../names.ts';
import { checked, object, optional, type Report } from '../schema/field.ts';
import * as v from '../schema/values.ts';

const UNIX = 'unix://';
const MAX_PORTS = 128;

/** An address of Istio that stands for a Unix socket, such as `unix:///run/app.sock` or `unix://@abstract`. */
export function isUnixAddress(address: string): boolean {
  return address.startsWith(UNIX);
}

/** What is wrong with the path of a Unix socket, as a sentence without subject. */
export function unixAddressProblem(address: string): string | undefined {
  const path = address.slice(UNIX.length);
  const isAbstract = path.startsWith('@') && path.length > 1;
  return isAbstract || (path.startsWith('/') && !path.endsWith('/'))
    ? undefined
    : `must be unix:// with an absolute path to a socket behind it, or with @ and an abstract name, not ${v.quote(address)}`;
}

const address = checked(v.text(), (value) => {
  if (isUnixAddress(value)) return unixAddressProblem(value);
  return value === '' || isIp(value) || isHost(value)
    ? undefined
    : `must be an IP address, a host name or unix:// with a path, not ${v.quote(value)}`;
});

const portName = v.syntax(isDnsLabel, "the name of a port: at most 63 of a-z, 0-9 and '-'");

export const workloadEntryFields = {
  address: optional(
    address,
    'IP address of the workload, without port; a host name, or unix:// with the path of a socket, where a ServiceEntry takes one.',
  ),
  ports: optional(
    checked(v.map(v.port(), portName), (ports) =>
      Object.keys(ports).length > MAX_PORTS ? `must have at most ${MAX_PORTS} ports` : undefined,
    ),
    "Port of the workload for each name of a service port. A port that is not listed is the service's target port.",
  ),
  labels: optional(v.labels(), 'Labels, by which ServiceEntries and subsets select the workload.'),
  network: optional(
    v.text(),
    'Network that the address belongs to. Workloads with the same network, or none, reach each other directly.',
  ),
  locality: optional(
    checked(v.text(), (value) => (value.length > 2048 ? 'must have at most 2048 characters' : undefined)),
    'Where the workload runs, as REGION/ZONE/SUBZONE.',
  ),
  weight: optional(
    v.uint32(),
    'Share of the traffic, in relation to the other workloads of the service; 1 by default.',
  ),
  serviceAccount: optional(
    checked(v.text(), (value) =>
      value === '' || (value.length <= 253 && /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(value))
        ? undefined
        : `must be the name of a service account, not ${v.quote(value)}`,
    ),
    'Service account of the workload, for its identity.',
  ),
};

type Fields = {
  readonly address?: string;
  readonly network?: string;
  readonly ports?: Readonly<Record<string, number>>;
};

export function checkWorkloadEntry({ address: at = '', network = '', ports = {} }: Fields, report: Report): void {
  if (at === '' && network === '') report('needs an address', ['address']);
  if (isUnixAddress(at) && Object.keys(ports).length > 0) {
    report('must not be set: a Unix socket has no ports', ['ports']);
  }
}

const workloadEntrySpec = object(workloadEntryFields, { rules: checkWorkloadEntry });

export const workloadEntry = objectSchema('networking.istio.io/v1', 'WorkloadEntry', workloadEntrySpec);

export type WorkloadEntry = z.infer<typeof workloadEntry>;
