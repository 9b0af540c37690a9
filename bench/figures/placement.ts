import type { HostState, Request } from '../../src/scheduler/host-state.ts';
import { schedule } from '../../src/scheduler/schedule.ts';
import { atLeast, type Measurement } from '../support/figure.ts';
import { median } from '../support/statistics.ts';

const hosts = 5000;
const perRound = 2000;
const rounds = 9;

/** The scheduler's choice among 5,000 hosts, with every filter on and each choice claimed before the next. */
export const placement: Measurement = {
	name: 'placement',
	async measure() {
		const rates: number[] = [];
		for (let round = 0; round < rounds; round += 1) {
			const snapshot = Array.from({ length: hosts }, (_, index) => host(index));
			const began = process.cpuUsage();
			for (let count = 0; count < perRound; count += 1) {
				const { host: chosen } = schedule(snapshot, request(count), 'spread');
				if (chosen === null) throw new Error('no host was found');
				const index = Number(chosen.hostname.slice('host-'.length));
				const { claimed } = chosen;
				snapshot[index] = {
					...chosen,
					claimed: { cpu: claimed.cpu + 1, memoryMib: claimed.memoryMib + 512, diskGib: claimed.diskGib + 1 },
				};
			}
			const { user, system } = process.cpuUsage(began);
			rates.push(perRound / ((user + system) / 1e6));
		}
		return [
			{
				name: 'placements over 5,000 hosts with all filters on, for a second of one core',
				value: median(rates),
				unit: '/s',
				peer: null,
				promise: atLeast(1500),
			},
		];
	},
};

/** All kinds: three zones, two drivers, some down, some disabled, some without the runtime or the label. */
function host(index: number): HostState {
	return {
		hostname: `host-${index}`,
		up: index % 50 !== 0,
		disabled: index % 61 === 0,
		availabilityZone: `zone-${index % 3}`,
		driver: index % 10 === 0 ? 'containerd' : 'docker',
		runtimes: index % 4 === 0 ? ['runc'] : ['runc', 'kata'],
		labels: index % 5 === 0 ? { disk: 'hdd', arch: 'amd64' } : { disk: 'ssd', arch: 'amd64' },
		capacity: { cpu: 256, memoryMib: 786_432, diskGib: 4000 },
		claimed: { cpu: index % 200, memoryMib: (index % 200) * 1024, diskGib: index % 1000 },
	};
}

function request(count: number): Request {
	const some = (from: number): ReadonlySet<string> =>
		new Set(Array.from({ length: 5 }, (_, index) => `host-${(from + index * 37) % hosts}`));
	return {
		cpu: 1,
		memoryMib: 512,
		diskGib: 1,
		driver: 'docker',
		runtime: 'kata',
		availabilityZone: `zone-${count % 3}`,
		host: null,
		excludedHosts: some(count),
		labels: [
			['disk', 'ssd'],
			['arch', 'amd64'],
		],
		sameHost: null,
		differentHost: some(count + 11),
		preferSameHost: some(count + 23),
		preferDifferentHost: some(count + 31),
	};
}
