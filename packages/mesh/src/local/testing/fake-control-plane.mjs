/**
 * Stands in for the control plane in tests of what the supervisor does when it misbehaves. Driven by a file of steps,
 * one for each start: what this process does. Writes every message that it gets to `<file>.seen`.
 */
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';

const file = process.env.FAKE_CONTROL_PLANE ?? '';
const steps = JSON.parse(readFileSync(file, 'utf8'));
const step = steps.shift() ?? 'serve';
writeFileSync(file, JSON.stringify(steps));

if (step === 'crash') {
  console.error('something is broken');
  process.exit(3);
}
if (step === 'fatal') {
  process.send({ type: 'fatal', code: 'LAT0401', message: 'the key is damaged', remedy: 'Restore it.' }, () =>
    process.exit(1),
  );
}
if (step === 'disconnect') process.disconnect();
setInterval(() => {}, 1000);

process.on('message', (message) => {
  appendFileSync(`${file}.seen`, `${JSON.stringify({ pid: process.pid, ...message })}\n`);
  if (message.type === 'start') process.send({ type: 'ready', admin: `http://localhost:${message.adminPort}` });
  if (message.type === 'instances' && step !== 'silent') process.send({ type: 'settled', seq: message.seq });
  if (message.type === 'stop' && step !== 'stubborn') process.exit(0);
});
if (step === 'stubborn') process.on('SIGTERM', () => {});
