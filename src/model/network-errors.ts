import { type ErrorCode, ZunboxError } from './errors.ts';

/**
 * What can go wrong with networks, by Neutron's names: the status that the network API answers with, and the code
 * under which the other APIs show the same error.
 */
export const networkErrors = {
	BadRequest: { status: 400, code: 'invalid-value' },
	InvalidInput: { status: 400, code: 'invalid-value' },
	InvalidIpForSubnet: { status: 400, code: 'invalid-value' },
	InvalidIpForNetwork: { status: 400, code: 'invalid-value' },
	InvalidAllocationPool: { status: 400, code: 'invalid-value' },
	OutOfBoundsAllocationPool: { status: 409, code: 'invalid-value' },
	OverlappingAllocationPools: { status: 409, code: 'invalid-value' },
	GatewayConflictWithAllocationPools: { status: 409, code: 'invalid-value' },
	SecurityGroupInvalidPortRange: { status: 400, code: 'invalid-value' },
	SecurityGroupInvalidIcmpValue: { status: 400, code: 'invalid-value' },
	SecurityGroupMissingIcmpType: { status: 400, code: 'invalid-value' },
	SecurityGroupInvalidProtocolForPort: { status: 400, code: 'invalid-value' },
	SecurityGroupRuleInvalidProtocol: { status: 400, code: 'invalid-value' },
	SecurityGroupRuleParameterConflict: { status: 400, code: 'invalid-value' },
	SecurityGroupRemoteGroupAndRemoteIpPrefix: { status: 400, code: 'invalid-value' },
	PortSecurityAndIPRequiredForSecurityGroups: { status: 400, code: 'invalid-value' },
	PolicyNotAuthorized: { status: 403, code: 'policy-not-authorized' },
	NetworkNotFound: { status: 404, code: 'network-not-found' },
	SubnetNotFound: { status: 404, code: 'subnet-not-found' },
	PortNotFound: { status: 404, code: 'port-not-found' },
	SecurityGroupNotFound: { status: 404, code: 'security-group-not-found' },
	SecurityGroupRuleNotFound: { status: 404, code: 'security-group-rule-not-found' },
	ExtensionNotFound: { status: 404, code: 'resource-not-found' },
	NetworkInUse: { status: 409, code: 'conflict' },
	SubnetInUse: { status: 409, code: 'conflict' },
	PortInUse: { status: 409, code: 'port-in-use' },
	PortBound: { status: 409, code: 'port-in-use' },
	IpAddressInUse: { status: 409, code: 'invalid-value' },
	IpAddressGenerationFailure: { status: 409, code: 'invalid-value' },
	MacAddressInUse: { status: 409, code: 'invalid-value' },
	OverQuota: { status: 409, code: 'over-quota' },
	GatewayIpInUse: { status: 409, code: 'conflict' },
	SecurityGroupInUse: { status: 409, code: 'conflict' },
	SecurityGroupCannotRemoveDefault: { status: 409, code: 'conflict' },
	SecurityGroupCannotUpdateDefault: { status: 409, code: 'conflict' },
	SecurityGroupDefaultAlreadyExists: { status: 409, code: 'conflict' },
	SecurityGroupRuleExists: { status: 409, code: 'conflict' },
} as const satisfies Record<string, { readonly status: number; readonly code: ErrorCode }>;

export type NetworkErrorType = keyof typeof networkErrors;

/** An error about networks that may be shown to the user, in either API's form. */
export class NetworkError extends ZunboxError {
	readonly type: NetworkErrorType;
	/** Status in the network API, which is not always that of `code`. */
	readonly networkStatus: number;

	constructor(type: NetworkErrorType, message: string) {
		super(networkErrors[type].code, message);
		this.type = type;
		this.networkStatus = networkErrors[type].status;
	}
}

/** Makes the error to throw. */
export function failNetwork(type: NetworkErrorType, message: string): NetworkError {
	return new NetworkError(type, message);
}
