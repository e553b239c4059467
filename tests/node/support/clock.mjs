// SPDX-License-Identifier: Apache-2.0
// The virtual clock of `belfry run --clock SOCKET`. An answer means that all that was due is committed and handed on.
import { once } from 'node:events';
import { connect } from 'node:net';

export class Clock {
  constructor(path) {
    this.path = path;
  }

  async advance(ms) {
    this.socket ??= connect(this.path).setEncoding('utf8');
    this.socket.write(`advance ${ms}\n`);
    const [answer] = await once(this.socket, 'data');
    if (!answer.startsWith('ok ')) throw new Error(answer);
  }

  close() {
    this.socket?.destroy();
  }
}
