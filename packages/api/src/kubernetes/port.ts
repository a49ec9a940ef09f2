import * as v from '../schema/values.ts';

const OTHER_PROTOCOLS = 'other protocols than TCP';

/** Of the ports of containers and Services. */
export const transportProtocol = v.oneOf(['TCP', 'UDP', 'SCTP'], { UDP: OTHER_PROTOCOLS, SCTP: OTHER_PROTOCOLS });
