/**
 * Says something to a TCP server, each time on a new connection, and prints the first line that comes back.
 *
 *     node say.mjs HOST:PORT TEXT [TIMES]
 */
import { connect } from 'node:net';

const TIMEOUT_MS = 5000;
const [address = '', text = '', times = '1'] = process.argv.slice(2);
const { hostname, port } = new URL(`tcp://${address}`);

for (let i = 0; i < Number(times); i++) {
  console.log(await say());
}

/** @returns {Promise<string>} */
function say() {
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) }, () => socket.write(`${text}\n`));
    let answer = '';
    socket.setEncoding('utf8').setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('no answer')));
    socket.on('data', (/** @type {string} */ more) => {
      answer += more;
      const end = answer.indexOf('\n');
      if (end < 0) return;
      resolve(answer.slice(0, end));
      socket.destroy();
    });
    socket.on('error', ({ message }) => resolve(message));
    socket.on('close', () => resolve('closed without an answer'));
  });
}
