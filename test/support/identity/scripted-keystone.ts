import { randomUUID } from 'node:crypto';
import type { Role } from '../../../src/model/principal.ts';
import { KeystoneClient } from '../../../src/openstack/keystone.ts';
import type { Session } from '../../../src/openstack/session.ts';
import { KeystoneIdentity, type KeystoneIdentityOptions } from '../../../src/providers/identity/keystone/keystone-identity.ts';
import { ScriptedCloud } from '../openstack/scripted-cloud.ts';
import type { IdentityWorld } from './identity-suite.ts';

interface KnownToken {
	readonly user: string;
	/** null = for no project. */
	readonly project: string | null;
	readonly roles: readonly string[];
	readonly expiresAt: number;
}

const implied: Readonly<Record<Role, readonly string[]>> = {
	reader: ['reader'],
	member: ['member', 'reader'],
	admin: ['admin', 'member', 'reader'],
};

/** Keystone over HTTP in this process, with the tokens that a test gives it, and our identity that asks it. */
export class ScriptedKeystone implements IdentityWorld {
	readonly cloud: ScriptedCloud;
	readonly session: Session;
	readonly identity: KeystoneIdentity;
	readonly clock: { now: number };
	readonly tokens = new Map<string, KnownToken>();
	readonly warnings: object[] = [];
	/** Set by a test to a way in which Keystone fails. */
	failure: 'reset' | 'hang' | number | null = null;

	private constructor(cloud: ScriptedCloud, options: Partial<KeystoneIdentityOptions>) {
		this.cloud = cloud;
		this.clock = { now: Date.now() };
		this.session = cloud.session({ now: () => this.clock.now });
		this.identity = new KeystoneIdentity({
			keystone: new KeystoneClient(this.session),
			authUrl: 'http://keystone.test/v3',
			cacheTime: 60_000,
			roleNames: { admin: ['admin', 'cloud-admin'], member: ['member'], reader: ['reader'] },
			now: () => this.clock.now,
			log: { warn: (facts) => this.warnings.push(facts) },
			...options,
		});
		cloud.scripts['identity'] = ({ headers }) => {
			if (this.failure === 'reset' || this.failure === 'hang') return this.failure;
			if (this.failure !== null) return { status: this.failure, body: { error: { message: 'broken' } } };
			const known = this.tokens.get(String(headers['x-subject-token']));
			if (known === undefined || known.expiresAt <= this.clock.now) {
				return { status: 404, body: { error: { message: `Could not find token: ${headers['x-subject-token']}` } } };
			}
			const project = known.project === null ? {} : { project: { id: known.project, name: `name-${known.project}` } };
			return {
				status: 200,
				body: {
					token: {
						user: { id: known.user, name: `name-${known.user}` },
						...project,
						roles: known.roles.map((name) => ({ id: name, name })),
						expires_at: new Date(known.expiresAt).toISOString(),
					},
				},
			};
		};
	}

	static async open(options: Partial<KeystoneIdentityOptions> = {}): Promise<ScriptedKeystone> {
		return new ScriptedKeystone(await new ScriptedCloud().start(), options);
	}

	give(roles: readonly string[], project: string | null = `project-${randomUUID()}`, lifetime = 3_600_000) {
		const known = { user: `user-${randomUUID()}`, project, roles, expiresAt: this.clock.now + lifetime };
		const token = `user-token-${randomUUID()}`;
		this.tokens.set(token, known);
		return { token, userId: known.user, projectId: project ?? '' };
	}

	/** Times that Keystone was asked about a user's token. */
	get asked(): number {
		return this.cloud.asked('identity').length;
	}

	token = async (role: Role) => this.give(implied[role]);

	unscopedToken = async (): Promise<string> => this.give([], null).token;

	revoke = async (token: string): Promise<void> => {
		this.tokens.delete(token);
	};

	afterRevocation = async (): Promise<void> => {
		this.clock.now += 60_000;
	};

	close = async (): Promise<void> => {
		this.session.close();
		await this.cloud.stop();
	};
}
