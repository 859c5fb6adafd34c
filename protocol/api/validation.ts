/**
 * How input is held against the schemas of the routes. A body means what it says: nothing in it is
 * converted, and an unknown field is refused rather than dropped. Text of path and query is converted
 * to the type asked for. The first fault ends the check, so that a huge body cannot cost more.
 */
import { Ajv } from 'ajv'
import type { FastifyInstance } from 'fastify'

export function useStrictValidation(app: FastifyInstance): void {
  const common = { removeAdditional: false, useDefaults: true, allErrors: false, strict: false }
  const exact = new Ajv({ ...common, coerceTypes: false })
  const converting = new Ajv({ ...common, coerceTypes: true })
  app.setValidatorCompiler<Record<string, unknown>>(({ schema, httpPart }) =>
    (httpPart === 'body' ? exact : converting).compile(schema),
  )
}
