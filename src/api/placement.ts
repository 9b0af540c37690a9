import type { Static } from 'typebox';
import type { SandboxPlacement } from '../control/control.ts';
import { fail } from '../model/errors.ts';
import type { Principal } from '../model/principal.ts';
import type { RequestedNet } from '../providers/network/network-provider.ts';
import { defined } from './http/defined.ts';
import type { RouteContext } from './options.ts';
import { given } from './parse/text.ts';
import type { Nets } from './schemas.ts';

/** What a request may say about where a sandbox goes and what it is attached to. */
export interface PlacementBody {
	readonly nets?: Static<typeof Nets> | null;
	readonly security_groups?: readonly string[] | null;
	readonly host?: string | null;
	readonly availability_zone?: string | null;
	readonly hints?: Readonly<Record<string, unknown>> | null;
	readonly runtime?: string | null;
}

/** Reads it; what is empty counts as not given, since stock clients send empty lists. Checks the rules of host and runtime. */
export function readPlacement(
	body: PlacementBody,
	kind: 'container' | 'sandbox',
	principal: Principal,
	{ policy, options }: Pick<RouteContext, 'policy' | 'options'>,
): SandboxPlacement {
	const host = given(body.host) ?? undefined;
	const runtime = given(body.runtime) ?? undefined;
	if (host !== undefined) policy.enforce(principal, `${kind}:create:requested_destination`);
	if (runtime !== undefined) checkRuntime(runtime, kind, principal, { policy, options });
	const nets = (body.nets ?? []).map(readNet);
	const groups = body.security_groups ?? [];
	const hints = body.hints ?? {};
	return defined({
		nets: nets.length === 0 ? undefined : nets,
		securityGroups: groups.length === 0 ? undefined : groups,
		host,
		availabilityZone: given(body.availability_zone) ?? undefined,
		hints: Object.keys(hints).length === 0 ? undefined : hints,
		runtime,
	});
}

function readNet(net: Static<typeof Nets>[number]): RequestedNet {
	const network = given(net.network) ?? undefined;
	const port = given(net.port) ?? undefined;
	if ((network === undefined) === (port === undefined)) {
		throw fail('schema-validation-error', `Invalid input for field 'nets': each entry has either 'network' or 'port'.`);
	}
	return defined({ network, port, v4FixedIp: given(net['v4-fixed-ip']) ?? undefined, v6FixedIp: given(net['v6-fixed-ip']) ?? undefined });
}

/** Runtimes are an administrator's choice, but for those that he lets everyone choose. */
function checkRuntime(
	runtime: string,
	kind: 'container' | 'sandbox',
	principal: Principal,
	{ policy, options: { allowedRuntimes } }: Pick<RouteContext, 'policy' | 'options'>,
): void {
	const rule = `${kind}:create:runtime` as const;
	if (allowedRuntimes.includes(runtime) || policy.allows(principal, rule)) return;
	const choice = allowedRuntimes.length === 0 ? '' : ` Runtimes that can be chosen: ${allowedRuntimes.join(', ')}.`;
	throw fail('policy-not-authorized', `Policy doesn't allow ${rule} to be performed.${choice}`);
}
