import type { ArgumentSpec, CommandSpec } from '../tree/spec.ts';
import { doing, labels, paging, showing, waiting } from './options.ts';

const capsule: ArgumentSpec = { name: 'capsule', summary: 'Name or id', of: 'capsule' };
const capsules: ArgumentSpec = { ...capsule, summary: 'Names or ids', repeat: true };

export const capsuleCommands: readonly CommandSpec[] = [
	{
		path: 'capsule create',
		summary: 'Make a capsule, a sandbox with the containers of a template, and run it',
		details: 'The template is YAML or JSON, as Zun has it.',
		arguments: [{ name: 'file', summary: 'File that holds the template; - = standard input' }],
		options: [...waiting, ...showing],
		examples: ['zunbox capsule create pod.yaml', 'cat pod.yaml | zunbox capsule create -'],
		load: async () => (await import('../actions/capsules.ts')).create,
	},
	{
		path: 'capsule list',
		summary: 'List capsules',
		options: [...paging, ...showing],
		examples: ['zunbox capsule list'],
		load: async () => (await import('../actions/capsules.ts')).list,
	},
	{
		path: 'capsule show',
		summary: 'Show a capsule and its containers',
		arguments: [capsule],
		options: [{ name: 'all-projects', short: 'A', summary: 'Look in every project (administrators)' }, ...showing],
		examples: ['zunbox capsule show pod'],
		load: async () => (await import('../actions/capsules.ts')).show,
	},
	{
		path: 'capsule update',
		summary: 'Change name, labels or annotations of a capsule',
		details: 'Labels and annotations that are given replace those that are there.',
		arguments: [capsule],
		options: [
			{ name: 'name', short: 'n', value: 'name', summary: 'New name' },
			labels,
			{ name: 'annotation', value: 'key=value', summary: 'Annotation', repeat: true },
			...showing,
		],
		examples: ['zunbox capsule update pod --label tier=web'],
		load: async () => (await import('../actions/capsules.ts')).update,
	},
	{
		path: 'capsule start',
		summary: 'Start capsules: containers that ended run again',
		arguments: [capsules],
		options: [...waiting, ...doing],
		examples: ['zunbox capsule start pod'],
		load: async () => (await import('../actions/capsules.ts')).actions.start,
	},
	{
		path: 'capsule stop',
		summary: 'Stop capsules with all their containers',
		arguments: [capsules],
		options: [
			{ name: 'grace', value: 'time', summary: 'Time until a container is killed when it does not stop; 10s when not given' },
			...waiting,
			...doing,
		],
		examples: ['zunbox capsule stop pod --grace 30s'],
		load: async () => (await import('../actions/capsules.ts')).actions.stop,
	},
	{
		path: 'capsule delete',
		summary: 'Delete capsules with all that is in them',
		arguments: [capsules],
		options: [...waiting, ...doing],
		examples: ['zunbox capsule delete pod'],
		load: async () => (await import('../actions/capsules.ts')).remove,
	},
];
