import { once } from 'node:events';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  credentials,
  type StatusObject,
} from '@grpc/grpc-js';
import {
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  type DiscoveryResponse,
  DiscoveryResponseSchema,
} from '@lateen/envoy-api/envoy/service/discovery/v3/discovery_pb.js';
import type { Resource, ResourceType } from '../../resource.ts';

const SERVICE = '/envoy.service.discovery.v3.AggregatedDiscoveryService';
const same = (bytes: Buffer) => bytes;

/** One ADS stream, incremental, in which the test says every message. */
export class DeltaClient {
  readonly ended: Promise<StatusObject>;
  readonly #client: Client;
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  readonly #received: DeltaDiscoveryResponse[] = [];

  constructor(address: string, channel: ChannelCredentials = credentials.createInsecure()) {
    this.#client = new Client(address, channel, {
      'grpc.max_receive_message_length': -1,
      // A connection of its own, as each proxy has.
      'grpc.use_local_subchannel_pool': 1,
    });
    this.#call = this.#client.makeBidiStreamRequest(`${SERVICE}/DeltaAggregatedResources`, same, same);
    this.#call.on('data', (bytes: Buffer) => {
      this.#received.push(fromBinary(DeltaDiscoveryResponseSchema, bytes));
      this.#call.emit('received');
    });
    this.#call.on('error', () => {});
    this.ended = new Promise((resolve) => this.#call.once('status', resolve));
  }

  send(request: MessageInitShape<typeof DeltaDiscoveryRequestSchema>): void {
    const message = create(DeltaDiscoveryRequestSchema, request);
    this.#call.write(Buffer.from(toBinary(DeltaDiscoveryRequestSchema, message)));
  }

  sendBytes(bytes: Buffer): void {
    this.#call.write(bytes);
  }

  async next(): Promise<DeltaDiscoveryResponse> {
    while (this.#received.length === 0) await once(this.#call, 'received');
    return this.#received.shift() as DeltaDiscoveryResponse;
  }

  answer({ typeUrl, nonce }: DeltaDiscoveryResponse, error?: string): void {
    this.send({
      typeUrl,
      responseNonce: nonce,
      ...(error !== undefined && { errorDetail: { code: 13, message: error } }),
    });
  }

  /** Stops reading: what is sent from now on fills the connection's buffers. */
  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }

  close(): void {
    this.#call.cancel();
    this.#client.close();
  }
}

/** Sends one state-of-the-world request and resolves with the first response. */
export async function requestSotw(
  address: string,
  request: MessageInitShape<typeof DiscoveryRequestSchema>,
): Promise<DiscoveryResponse> {
  const client = new Client(address, credentials.createInsecure());
  const call = client.makeBidiStreamRequest<Buffer, Buffer>(`${SERVICE}/StreamAggregatedResources`, same, same);
  call.on('error', () => {});
  call.write(Buffer.from(toBinary(DiscoveryRequestSchema, create(DiscoveryRequestSchema, request))));
  const [bytes] = await once(call, 'data');
  call.cancel();
  client.close();
  return fromBinary(DiscoveryResponseSchema, bytes);
}

export function testResource(type: ResourceType, name: string, version: string, bytes?: Uint8Array): Resource {
  return { type, name, version, bytes: bytes ?? new TextEncoder().encode(`${name}@${version}`) };
}
