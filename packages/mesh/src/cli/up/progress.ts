import type { SupervisorEvent } from '#local/events.ts';
import type { Output } from '../terminal.ts';
import { type ProgressModel, progressAfter, progressLine, progressLines, startingModel } from './progress-model.ts';

const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const frameMs = 80;

export interface Progress {
  handle(event: SupervisorEvent): void;
  /** Takes the display away, and gives what is known by now. */
  end(): ProgressModel;
}

/** Shows how a mesh starts or stops: drawn over and over on a terminal, line by line anywhere else. */
export function showProgress(title: string, output: Output): Progress {
  return output.isTerminal ? liveProgress(startingModel(title), output) : plainProgress(startingModel(title), output);
}

function plainProgress(start: ProgressModel, output: Output): Progress {
  let model = start;
  output.write(`${model.title}\n`);
  return {
    handle: (event) => {
      output.write(progressLine(model, event, output));
      model = progressAfter(model, event);
    },
    end: () => model,
  };
}

function liveProgress(start: ProgressModel, output: Output): Progress {
  let model = start;
  let frame = 0;
  let drawn = 0;
  const erase = () => (drawn === 0 ? '' : `\u001b[${drawn}A\u001b[0J`);
  const draw = () => {
    const lines = progressLines(model, {
      colour: output.colour,
      columns: output.columns,
      rows: output.rows,
      spinner: spinner[frame % spinner.length] ?? '',
    });
    // One write for each picture, so that it does not flicker.
    output.write(`${erase()}${lines.map((line) => `${line}\n`).join('')}`);
    drawn = lines.length;
  };
  draw();
  const timer = setInterval(() => {
    frame += 1;
    draw();
  }, frameMs);
  timer.unref();
  return {
    handle: (event) => {
      // Seen as a line above what is drawn: it would be gone with the next step otherwise.
      if (event.type === 'notice') {
        output.write(`${erase()}${progressLine(model, event, output)}`);
        drawn = 0;
      } else {
        model = progressAfter(model, event);
      }
      draw();
    },
    end: () => {
      clearInterval(timer);
      output.write(erase());
      drawn = 0;
      return model;
    },
  };
}
