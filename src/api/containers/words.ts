/** Words of requests that are written in more than one way. */
export const restartPolicyNames = ['no', 'always', 'on-failure', 'unless-stopped'] as const;
export const imagePullPolicies = ['never', 'always', 'ifnotpresent', 'Never', 'Always', 'IfNotPresent'] as const;

const canonicalPullPolicies = {
	never: 'never',
	always: 'always',
	ifnotpresent: 'ifnotpresent',
	Never: 'never',
	Always: 'always',
	IfNotPresent: 'ifnotpresent',
} as const;

export function pullPolicy(word: (typeof imagePullPolicies)[number]): 'never' | 'always' | 'ifnotpresent' {
	return canonicalPullPolicies[word];
}
