import type { Diagnostic } from '@lateen/api/diagnostic.ts';
import type { LateenError } from '@lateen/api/lateen-error.ts';
import type { InstanceReport } from '#pilot/registry/processes/link.ts';
import type { ControlPlaneState } from './control-plane.ts';

/** What happens in a mesh, as data, for whoever shows it. */
export type SupervisorEvent =
  /** Something takes a moment: `stopping: the gateway takes no more requests`. */
  | { readonly type: 'step'; readonly text: string }
  | { readonly type: 'control-plane'; readonly state: ControlPlaneState }
  | InstanceEvent
  /** All diagnostics that hold now, of the control plane and of the processes. Sent when they change. */
  | { readonly type: 'diagnostics'; readonly diagnostics: readonly Diagnostic[] }
  /** Worth a line, but nothing is wrong: `port 8080 is taken; the ingress gateway listens on 8081`. */
  | { readonly type: 'notice'; readonly text: string }
  /** Sent once: all workloads and gateways are ready for the first time. */
  | { readonly type: 'ready' }
  /** The control plane cannot go on. Everything else keeps running until `stop`. */
  | { readonly type: 'fatal'; readonly error: LateenError };

/** A replica or gateway changed its phase, or is gone. */
export interface InstanceEvent {
  readonly type: 'instance';
  readonly name: string;
  readonly namespace: string;
  readonly role: 'sidecar' | 'router';
  /** The Deployment, or the gateway's name. */
  readonly workload: string;
  readonly phase: Phase;
  readonly ready: boolean;
  readonly message?: string;
}

export type Phase =
  | 'waiting for ports'
  | 'waiting for sidecar'
  | 'starting'
  | 'running'
  | 'not ready'
  /** It is tried again by itself. */
  | 'back-off'
  /** It is not: the manifest has to be edited. */
  | 'failed'
  | 'stopping'
  | 'gone';

export interface SupervisorState {
  readonly mesh: string;
  readonly dir: string;
  /** `http://localhost:19000` */
  readonly admin: string;
  /** For the admin API. */
  readonly token: string;
  /** Every workload and gateway is ready now, and nothing is being replaced. */
  readonly ready: boolean;
  readonly controlPlane: ControlPlaneState;
  readonly gateways: readonly InstanceReport[];
  readonly workloads: readonly InstanceReport[];
  readonly diagnostics: readonly Diagnostic[];
}
