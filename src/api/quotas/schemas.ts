import { Type } from 'typebox';
import { quotaResources } from '../../control/quotas.ts';
import { Nullable } from '../schemas.ts';

/** −1 = no limit. Stock clients also send numbers as text. */
const Limit = Nullable(Type.Union([Type.Integer({ minimum: -1, maximum: 2_147_483_647 }), Type.String({ pattern: '^(-1|\\d{1,9})$' })]));

export const QuotaUpdate = Type.Object(Object.fromEntries(quotaResources.map((resource) => [resource, Type.Optional(Limit)])), {
	additionalProperties: false,
});

/** A number, or a limit with what is used of it. */
const Shown = Type.Union([Type.Number(), Type.Object({ limit: Type.Number(), in_use: Type.Number() })]);

export const Quotas = Type.Object(Object.fromEntries(quotaResources.map((resource) => [resource, Shown])), {
	title: 'Quotas',
	description: 'memory in MiB, disk and volume_gigabytes in GiB; -1 is no limit.',
});

export const ProjectParams = Type.Object({ project_id: Type.String({ minLength: 1, maxLength: 255 }) });
export const ClassParams = Type.Object({ class_name: Type.String({ minLength: 1, maxLength: 255 }) });
