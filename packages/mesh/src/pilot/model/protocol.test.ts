import { describe, expect, it } from 'vitest';
import { protocolOf } from './protocol.ts';

describe('the protocol of a port', () => {
  it.each([
    ['http', undefined, 'http'],
    ['http-api', undefined, 'http'],
    ['HTTP-api', undefined, 'http'],
    ['http2', undefined, 'http2'],
    ['grpc', undefined, 'http2'],
    ['grpc-api', undefined, 'http2'],
    ['grpc-web', undefined, 'http2'],
    ['grpc-web-api', undefined, 'http2'],
    ['grpc-website', undefined, 'http2'],
    ['https', undefined, 'tls'],
    ['tls-passthrough', undefined, 'tls'],
    ['http_proxy', undefined, 'http'],
    ['tcp-db', undefined, 'tcp'],
    ['mysql', undefined, 'tcp'],
    ['httpx', undefined, 'detect'],
    ['web', undefined, 'detect'],
    [undefined, undefined, 'detect'],
    ['http', 'tcp', 'tcp'],
    ['tcp', 'HTTP', 'http'],
    ['web', 'kubernetes.io/h2c', 'http2'],
    ['web', 'kubernetes.io/ws', 'http'],
    ['http', 'example.com/own', 'detect'],
    ['http', 'kubernetes.io/wss', 'tls'],
    ['kubernetes.io/ws', undefined, 'detect'],
    ['tcp', 'grpc-web-api', 'http2'],
    ['http', 'MySQL', 'tcp'],
    [undefined, 'grpc', 'http2'],
  ])('named %s with appProtocol %s is %s', (name, appProtocol, protocol) => {
    expect(protocolOf(name, appProtocol)).toBe(protocol);
  });

  it('is TCP on the ports of protocols in which the server speaks first, if nothing is said', () => {
    expect(protocolOf(undefined, undefined, 3306)).toBe('tcp');
    expect(protocolOf('db', undefined, 27_017)).toBe('tcp');
    expect(protocolOf('http', undefined, 3306)).toBe('http');
    expect(protocolOf('db', undefined, 3307)).toBe('detect');
  });
});
