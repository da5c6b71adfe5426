/** Tendermint as data. Start reading at `tendermint.ts`. */
export type {
  CommitEffect,
  Effect,
  EvidenceEffect,
  GetValueEffect,
  Input,
  NewRoundEffect,
  Outcome,
  ScheduleTimeoutEffect,
  SignEffect,
  ValidateEffect,
} from './interface.ts';
export { type Messages, messages } from './messages.ts';
export { maxFaulty, proposerIndex, quorum } from './quorum.ts';
export { resumeHeight } from './resume.ts';
export {
  type ConsensusConfig,
  type ConsensusState,
  type Memory,
  type Polka,
  startHeight,
  type Timeouts,
} from './state.ts';
export { step } from './tendermint.ts';
