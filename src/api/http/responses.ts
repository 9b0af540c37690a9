import type { TSchema } from 'typebox';
import { ErrorBody } from '../schemas.ts';

/** The answers of a route for the OpenAPI document: those of success, and the errors that every route may give. */
export function responses(success: Readonly<Record<number, TSchema>>): Record<string, TSchema> {
	return { ...success, '4xx': ErrorBody, '5xx': ErrorBody };
}
