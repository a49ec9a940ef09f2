/** The syntax of names, hosts and labels. Each function tells whether a text has it. */

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const DNS_1035_LABEL = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
/** Hosts may have capital letters and underscores, as Istio and DNS in practice allow. */
const HOST_LABEL = /^[a-zA-Z0-9_]([-a-zA-Z0-9_]{0,61}[a-zA-Z0-9_])?$/;
const LABEL_NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const PORT_NAME = /^[a-z0-9]([-a-z0-9]{0,13}[a-z0-9])?$/;
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const IPV4 = /^(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(\.(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/;

/** RFC 1123 label, at most 63 characters. */
export function isDnsLabel(text: string): boolean {
  return DNS_LABEL.test(text);
}

/** RFC 1035 label: as above, but starts with a letter. */
export function isDns1035Label(text: string): boolean {
  return DNS_1035_LABEL.test(text);
}

/** RFC 1123 subdomain: labels with dots, at most 253 characters. */
export function isDnsSubdomain(text: string): boolean {
  return text.length <= 253 && DNS_SUBDOMAIN.test(text);
}

/** `reviews`, `reviews.default.svc.cluster.local`, `example.com.` */
export function isHost(text: string): boolean {
  const host = text.endsWith('.') ? text.slice(0, -1) : text;
  return host.length > 0 && host.length <= 253 && host.split('.').every((label) => HOST_LABEL.test(label));
}

/** A host, `*`, or `*.example.com`. */
export function isWildcardHost(text: string): boolean {
  if (text === '*') return true;
  return isHost(text.startsWith('*.') ? text.slice(2) : text);
}

export function isIpv4(text: string): boolean {
  return IPV4.test(text);
}

export function isIpv6(text: string): boolean {
  if (!/^[0-9a-fA-F:.]{2,45}$/.test(text) || !text.includes(':')) return false;
  return URL.canParse(`http://[${text}]/`);
}

export function isIp(text: string): boolean {
  return isIpv4(text) || isIpv6(text);
}

/** `10.1.0.0/16`, `2001:db8::/32` */
export function isCidr(text: string): boolean {
  const [address = '', length = '', ...more] = text.split('/');
  if (more.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(length)) return false;
  if (isIpv4(address)) return Number(length) <= 32;
  return isIpv6(address) && Number(length) <= 128;
}

export function isIpOrCidr(text: string): boolean {
  return isIp(text) || isCidr(text);
}

/** `app`, `app.kubernetes.io/name`: key of a label or annotation. */
export function isQualifiedName(text: string): boolean {
  const slash = text.indexOf('/');
  if (slash === -1) return LABEL_NAME.test(text);
  return isDnsSubdomain(text.slice(0, slash)) && LABEL_NAME.test(text.slice(slash + 1));
}

export function isLabelValue(text: string): boolean {
  return text === '' || LABEL_NAME.test(text);
}

/** IANA service name: at most 15 of `a-z0-9-`, with a letter, no dash at the ends or doubled. */
export function isPortName(text: string): boolean {
  return PORT_NAME.test(text) && /[a-z]/.test(text) && !text.includes('--');
}

/** RFC 9110 token. */
export function isHeaderName(text: string): boolean {
  return HEADER_NAME.test(text);
}
