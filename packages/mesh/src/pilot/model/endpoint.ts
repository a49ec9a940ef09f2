import type { InstancePort, WorkloadInstance } from '@lateen/api/workload-instance.ts';
import type { ServicePort } from './service.ts';

/** One instance as an endpoint of one service port. */
export interface ServiceEndpoint {
  /** `NAME.NAMESPACE` of the instance. */
  readonly instance: string;
  readonly address: string;
  readonly port: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly spiffeId: string;
  readonly meshTls: boolean;
  readonly ready: boolean;
}

/** The container port that a service port leads to on this instance; undefined if the instance has none such. */
export function targetOf(port: ServicePort, instance: WorkloadInstance): InstancePort | undefined {
  return instance.ports.find(({ containerPort, name }) =>
    typeof port.targetPort === 'number' ? containerPort === port.targetPort : name === port.targetPort,
  );
}
