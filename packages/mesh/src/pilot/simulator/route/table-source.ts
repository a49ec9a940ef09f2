import { fromBinary } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { type VirtualHost, VirtualHostSchema } from '@lateen/envoy-api/envoy/config/route/v3/route_components_pb.js';
import { type RouteConfiguration, RouteConfigurationSchema } from '@lateen/envoy-api/envoy/config/route/v3/route_pb.js';

/** A route table whose virtual hosts are read when a call needs them: a table can have thousands, and a call needs one. */
export interface RouteTableSource {
  /** Without virtual hosts. */
  readonly table: RouteConfiguration;
  readonly hosts: readonly VirtualHostSource[];
}

export interface VirtualHostSource {
  readonly domains: readonly string[];
  readonly read: () => VirtualHost;
}

export function tableOf(table: RouteConfiguration): RouteTableSource {
  return { table, hosts: table.virtualHosts.map((host) => ({ domains: host.domains, read: () => host })) };
}

/** Of each virtual host only the domains are read, and the rest is passed over. */
export function tableOfBytes(bytes: Uint8Array): RouteTableSource {
  const hosts: VirtualHostSource[] = [];
  const rest: Uint8Array[] = [];
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [field, type] = reader.tag();
    if (field === RouteConfigurationSchema.field.virtualHosts.number && type === WireType.LengthDelimited) {
      hosts.push(hostOfBytes(reader.bytes()));
    } else {
      reader.skip(type, field);
      rest.push(bytes.subarray(start, reader.pos));
    }
  }
  return { table: fromBinary(RouteConfigurationSchema, joined(rest)), hosts };
}

/** The table with virtual hosts that came on their own (VHDS). */
export function withHosts({ table, hosts }: RouteTableSource, apart: readonly Uint8Array[]): RouteTableSource {
  return { table, hosts: [...hosts, ...apart.map(hostOfBytes)] };
}

function hostOfBytes(bytes: Uint8Array): VirtualHostSource {
  return { domains: domainsOf(bytes), read: () => fromBinary(VirtualHostSchema, bytes) };
}

function domainsOf(host: Uint8Array): string[] {
  const domains: string[] = [];
  const reader = new BinaryReader(host);
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (field === VirtualHostSchema.field.domains.number) domains.push(reader.string());
    else reader.skip(type, field);
  }
  return domains;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
