/** What every part of the player is given: the story, the network it is played on, and the books that are kept of it. */
import type { Engine } from '../engine.ts';
import type { Story } from '../story.ts';
import type { OutputBook } from './outputs.ts';
import type { Recorder } from './recorder.ts';
import type { Submissions } from './submissions.ts';
import type { Teller } from './teller.ts';
import type { Titles } from './titles.ts';

export interface Stage {
  readonly story: Story;
  readonly engine: Engine;
  readonly teller: Teller;
  readonly submissions: Submissions;
  readonly outputs: OutputBook;
  readonly titles: Titles;
  readonly recorder: Recorder;
}
