/** What an agent does with a connected volume in its life, for crash tests: its argument is the file of a DeviceCrashPlan. */
import { readFileSync } from 'node:fs';
import { CinderVolumes } from '../../../src/agent/volumes/cinder-volumes.ts';
import type { VolumeSpec } from '../../../src/model/spec.ts';

export interface DeviceCrashPlan {
	readonly stateDirectory: string;
	readonly volume: VolumeSpec;
}

const plan: DeviceCrashPlan = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
const volumes = await CinderVolumes.open(plan);
const signal = AbortSignal.timeout(60_000);
await volumes.attach('sandbox-1', plan.volume, signal);
await volumes.list(signal);
await volumes.detach('sandbox-1', plan.volume.id, signal);
