import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasVolumesToDetach } from '../../../src/agent/plan/sandbox-needs.ts';
import { sandboxSpec, volumeSpec } from '../../support/agent/specs.ts';

test('what a host holds for a sandbox that no longer has it is taken from it in every state, such as the file of a container that is gone', () => {
	const spec = sandboxSpec({ volumes: [volumeSpec('kept')] });
	const host = { names: true, ports: new Set<string>(), strayPorts: [], networked: true, detachedVolumes: new Set<string>() };
	assert.equal(hasVolumesToDetach(spec, { host: { ...host, volumes: new Set(['kept']) } }), false);
	assert.equal(hasVolumesToDetach(spec, { host: { ...host, volumes: new Set(['kept', 'file']) } }), true);
});
