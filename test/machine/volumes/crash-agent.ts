/** What an agent does with volumes in their lives, for crash tests: its argument is the file of a CrashPlan. */
import { readFileSync } from 'node:fs';
import { LoopVolumes } from '../../../src/agent/volumes/loop-volumes.ts';
import type { VolumeSpec } from '../../../src/model/spec.ts';

export interface CrashPlan {
	readonly dataDirectory: string;
	readonly stateDirectory: string;
	/** Has data, and was left unclean. */
	readonly old: VolumeSpec;
	readonly fresh: VolumeSpec;
	readonly file: VolumeSpec;
}

const plan: CrashPlan = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const volumes = await LoopVolumes.open(plan);
const signal = AbortSignal.timeout(60_000);
for (const volume of [plan.old, plan.fresh, plan.file]) await volumes.attach('sandbox-1', volume, signal);
await volumes.list(signal);
for (const volume of [plan.old, plan.fresh, plan.file]) await volumes.detach('sandbox-1', volume.id, signal);
await volumes.destroy(plan.fresh.id, signal);
