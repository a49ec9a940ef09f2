import type { Diagnostic } from '@lateen/api/diagnostic.ts';
import type { InstanceEvent, SupervisorEvent } from '#local/events.ts';
import { diagnosticPlace, formatDiagnosticLine } from '../errors.ts';
import { shortName } from '../status-view.ts';
import { type Output, paint, printable } from '../terminal.ts';

/** What a mesh that is starting looks like, put together from the events. */
export interface ProgressModel {
  readonly title: string;
  readonly step: string;
  readonly instances: ReadonlyMap<string, InstanceEvent>;
  readonly diagnostics: readonly Diagnostic[];
}

export function startingModel(title: string): ProgressModel {
  return { title, step: '', instances: new Map(), diagnostics: [] };
}

export function progressAfter(model: ProgressModel, event: SupervisorEvent): ProgressModel {
  switch (event.type) {
    case 'step':
    case 'notice':
      // The headline says already that the mesh stops.
      return { ...model, step: event.text.replace(/^stopping: /, '') };
    case 'control-plane':
      return { ...model, step: controlPlaneText(event.state) };
    case 'diagnostics':
      return { ...model, diagnostics: event.diagnostics };
    case 'instance': {
      const instances = new Map(model.instances);
      const key = `${event.namespace}/${event.name}`;
      if (event.phase === 'gone') instances.delete(key);
      else instances.set(key, event);
      return { ...model, instances };
    }
    default:
      return model;
  }
}

type ControlPlaneState = Extract<SupervisorEvent, { type: 'control-plane' }>['state'];

function controlPlaneText(state: ControlPlaneState): string {
  switch (state.kind) {
    case 'starting':
      return 'starting the control plane';
    case 'running':
      return `control plane runs (process ${state.pid})`;
    case 'back-off': {
      const [why = '', ...said] = state.message.split('\n');
      return [`${why.replace(/\.$/, '')}; it is started again`, ...said].join('\n');
    }
    case 'failed':
      return `control plane cannot go on: ${state.error.message}`;
    case 'stopped':
      return 'control plane stopped';
  }
}

export interface ProgressView {
  readonly colour: boolean;
  readonly columns: number;
  readonly rows: number;
  /** One of the spinner's pictures. */
  readonly spinner: string;
}

/** For a terminal: a headline, a line for each workload, and what is wrong. Never wider or higher than the view. */
export function progressLines(model: ProgressModel, view: ProgressView): string[] {
  const workloads = byWorkload(model.instances.values());
  const width = Math.max(0, ...workloads.map((each) => each.title.length));
  const step = model.step === '' ? '' : `: ${model.step}`;
  const lines = [
    cut(`${view.spinner} ${model.title}${step}`, view, (text) => paint(view, 'bold', text)),
    ...workloads.map((each) => {
      const mark = each.ready === each.total ? '✓' : each.problem ? '✗' : view.spinner;
      const style = each.ready === each.total ? 'green' : each.problem ? 'red' : 'yellow';
      const text = `  ${mark} ${each.title.padEnd(width)}  ${each.ready}/${each.total}  ${each.phase}`;
      return cut(text, view, (line) => paint(view, style, line));
    }),
    ...model.diagnostics.map((each) => cut(formatDiagnosticLine({ colour: false }, each), view, (line) => line)),
  ];
  // What scrolls out of the screen cannot be drawn over again.
  const room = Math.max(1, view.rows - 2);
  if (lines.length <= room) return lines;
  return [...lines.slice(0, room - 1), `  ... and ${lines.length - room + 1} more`];
}

interface WorkloadProgress {
  readonly title: string;
  readonly ready: number;
  readonly total: number;
  readonly phase: string;
  readonly problem: boolean;
}

function byWorkload(instances: Iterable<InstanceEvent>): WorkloadProgress[] {
  const groups = new Map<string, InstanceEvent[]>();
  for (const instance of instances) {
    const title = shortName({ name: instance.workload, namespace: instance.namespace });
    groups.set(title, [...(groups.get(title) ?? []), instance]);
  }
  return [...groups.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([title, members]) => {
      const slowest = members.find((each) => hasProblem(each)) ?? members.find((each) => !each.ready) ?? members[0];
      const message = slowest === undefined || slowest.ready ? undefined : slowest.message;
      return {
        title,
        ready: members.filter((each) => each.ready).length,
        total: members.length,
        phase: `${slowest?.phase ?? ''}${message === undefined ? '' : `: ${message}`}`,
        problem: members.some(hasProblem),
      };
    });
}

function hasProblem({ phase }: InstanceEvent): boolean {
  return phase === 'back-off' || phase === 'failed' || phase === 'not ready';
}

/** One line of the view. Text is cut before it is coloured, so that no escape sequence is cut through. */
function cut(text: string, view: ProgressView, colour: (text: string) => string): string {
  const line = printable(text.replaceAll(/[\r\n\t]+/g, ' '));
  const room = Math.max(10, view.columns - 1);
  return colour(line.length <= room ? line : `${line.slice(0, room - 1)}…`);
}

/** For everything that is no terminal: a line when something has changed, or none. */
export function progressLine(before: ProgressModel, event: SupervisorEvent, output: Pick<Output, 'colour'>): string {
  switch (event.type) {
    case 'step':
    case 'notice':
      return `${printable(event.text)}\n`;
    case 'control-plane':
      return `${printable(controlPlaneText(event.state))}\n`;
    case 'instance':
      return isNews(before.instances.get(`${event.namespace}/${event.name}`), event) ? `${instanceLine(event)}\n` : '';
    case 'diagnostics':
      return diagnosticNews(before.diagnostics, event.diagnostics, output);
    default:
      return '';
  }
}

function isNews(before: InstanceEvent | undefined, now: InstanceEvent): boolean {
  return (
    before === undefined || before.phase !== now.phase || before.ready !== now.ready || before.message !== now.message
  );
}

function instanceLine(event: InstanceEvent): string {
  const state = event.ready ? 'ready' : event.phase;
  const message = event.message === undefined || event.ready ? '' : `: ${event.message}`;
  return printable(`${shortName(event)}: ${state}${message}`);
}

/** What is wrong now and was not before, and what is no longer wrong. */
function diagnosticNews(
  before: readonly Diagnostic[],
  now: readonly Diagnostic[],
  output: Pick<Output, 'colour'>,
): string {
  const keys = (list: readonly Diagnostic[]) => new Map(list.map((each) => [JSON.stringify(each), each]));
  const [old, current] = [keys(before), keys(now)];
  const lines = [...current].filter(([key]) => !old.has(key)).map(([, each]) => formatDiagnosticLine(output, each));
  for (const [key, each] of old) {
    // The same complaint with another message or line is not resolved.
    const goesOn = now.some(
      (other) => other.code === each.code && other.file === each.file && other.path === each.path,
    );
    if (!current.has(key) && !goesOn) {
      lines.push(`${paint(output, 'green', 'resolved')} ${diagnosticPlace(each)}`);
    }
  }
  return lines.map((line) => `${line}\n`).join('');
}
