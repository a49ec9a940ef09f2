import { describe, expect, it } from 'vitest';
import { byNarrowness, hostCovers, intersectHosts, resolveHost } from './hostname.ts';

describe('hosts', () => {
  it.each([
    ['reviews', 'reviews.shop.svc.cluster.local'],
    ['reviews.other', 'reviews.other'],
    ['reviews.other.svc.cluster.local', 'reviews.other.svc.cluster.local'],
    ['*.example.com', '*.example.com'],
    ['*', '*'],
  ])('%s in the namespace shop is %s', (host, full) => {
    expect(resolveHost(host, 'shop', 'cluster.local')).toBe(full);
  });

  it.each([
    ['*', 'a.example.com', true],
    ['*', '*.example.com', true],
    ['*.example.com', 'a.example.com', true],
    ['*.example.com', 'a.b.example.com', true],
    ['*.example.com', '*.b.example.com', true],
    ['*.example.com', '*.example.com', true],
    ['*.example.com', 'example.com', false],
    ['*.example.com', '.example.com', false],
    ['*.example.com', 'aexample.com', false],
    ['a.example.com', '*.example.com', false],
    ['a.example.com', 'a.example.com', true],
  ])('%s covers %s: %s', (pattern, host, expected) => {
    expect(hostCovers(pattern, host)).toBe(expected);
  });

  it.each([
    ['*', '*.example.com', '*.example.com'],
    ['a.example.com', '*', 'a.example.com'],
    ['*.example.com', '*.b.example.com', '*.b.example.com'],
    ['a.example.com', 'b.example.com', undefined],
    ['*.a.com', '*.b.com', undefined],
  ])('%s and %s have %s in common', (a, b, common) => {
    expect(intersectHosts(a, b)).toBe(common);
    expect(intersectHosts(b, a)).toBe(common);
  });

  it('are sorted by what they leave out', () => {
    expect(['*', '*.b.c', 'a.b.c', '*.c'].sort(byNarrowness)).toEqual(['a.b.c', '*.b.c', '*.c', '*']);
  });
});
