// SPDX-License-Identifier: Apache-2.0
// Refresh: a job of the hub that asks every system of the org, followed until it ends; a file of its own, fetched when
// somebody presses it. Invariants: one job is followed at a time; the button stays where it is, with the focus, and says
// what goes on. While a job takes its usual time another press changes nothing; of a long one it says how far it is, and
// joins whatever job the hub has by then.
import { make } from './words.js';
import { reasonOf } from './notices.js';

const LOOK_MS = 500, LOOK_MAX_MS = 3000;
const LONG_MS = 30_000;
const wait = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

export class Part {
  constructor(page) {
    Object.assign(this, page);
    this.button = page.section.querySelector('button[value=refresh]');
    this.label = this.button.textContent;
  }

  async press() {
    if (this.running) {
      if (this.long) await this.join();
      return;
    }
    this.running = true;
    this.long = false;
    this.percent = 0;
    this.set(this.words.say('refreshing'));
    this.banners.clear('refreshed');
    try {
      this.job = (await this.store.write('/notifications/refresh', {})).job;
      await this.end(await this.follow());
    } catch (failure) {
      await this.failed(failure);
    } finally {
      this.running = false;
      this.banners.clear('job');
      this.set(null);
    }
  }

  set(text) {
    this.button.textContent = text ?? this.label;
    if (text) this.button.setAttribute('aria-disabled', 'true');
    else this.button.removeAttribute('aria-disabled');
  }

  // The hub has one job an org: its answer is the one that runs, unless that has just ended.
  async join() {
    try {
      this.job = (await this.store.write('/notifications/refresh', {})).job;
      this.speaker.tell(this.words.say('job_under_way', this.percent));
    } catch (failure) {
      const reason = reasonOf(failure, this.words);
      if (reason) this.speaker.warn(this.words.say('failed', reason));
    }
  }

  // The job as it ended. Short outages on the way are waited through.
  async follow() {
    const since = Date.now();
    for (let pause = LOOK_MS, lost = 0; ; pause = Math.min(pause * 1.5, LOOK_MAX_MS)) {
      try {
        const { data: job } = await this.store.json(`/jobs/${encodeURIComponent(this.job)}`);
        lost = 0;
        if (job.state === 'done' || job.state === 'failed') return job;
        this.progress(job.progress);
      } catch (failure) {
        lost += 1;
        if ((failure.status >= 400 && failure.status < 500 && failure.status !== 429) || lost > 5) throw failure;
      }
      if (!this.long && Date.now() - since > LONG_MS) {
        this.long = true;
        this.set(null); // it can be pressed again
        this.speaker.tell(this.words.say('job_long'));
      }
      await wait(pause);
    }
  }

  progress(percent) {
    this.percent = percent;
    const old = this.banners.find('job')?.querySelector('progress');
    const text = this.words.say('job_under_way', percent);
    if (old) {
      old.value = percent;
      old.labels[0].textContent = text;
      return;
    }
    this.banners.set('job', make('label', { for: 'job-progress' }, text))
      .append(make('progress', { id: 'job-progress', max: 100, value: percent }));
  }

  async end(job) {
    await this.list.load({ insert: true });
    this.banners.clear('new');
    const { added, invalidated } = job;
    const words = this.words;
    const text = added && invalidated ? words.say('job_both', added, invalidated)
      : added ? words.count('job_added', added)
        : invalidated ? words.count('job_invalidated', invalidated) : words.say('job_nothing');
    const said = words.say('refreshed', text);
    this.show(job.state === 'failed' ? `${said} ${words.say('job_failed')}` : said);
  }

  // What came of it, to those who see and those who listen; it stays until it is dismissed or Refresh is pressed again.
  show(text) {
    this.banners.set('refreshed', text,
      make('button', { type: 'button', onclick: () => this.dismiss() }, this.words.say('dismiss')));
    this.speaker.tell(text);
  }

  dismiss() {
    this.banners.clear('refreshed');
    this.button.focus();
  }

  async failed(failure) {
    if (failure.status !== 429) {
      const reason = reasonOf(failure, this.words);
      if (reason) this.speaker.warn(this.words.say('failed', reason));
      return;
    }
    let seconds = Math.ceil((failure.wait || 1000) / 1000);
    this.speaker.tell(this.words.count('try_again', seconds));
    for (; seconds > 0; seconds -= 1) {
      this.set(this.words.count('try_again', seconds));
      await wait(1000);
    }
  }
}
