import { z } from 'zod'
import { patternProblem } from '../index.ts'
import { checkFormat } from './rollout-format.ts'

const name = z.string().min(1)
const ms = z.number().int().nonnegative()

const workload = z.strictObject({
  kind: z.enum(['Deployment', 'StatefulSet', 'DaemonSet', 'CronJob', 'Job']),
  name,
  container: name,
  image: name
    .refine((pattern) => patternProblem(pattern) === undefined, {
      error: ({ input }) => `"${String(input)}" ${patternProblem(String(input)) ?? ''}`,
    })
    .optional(),
})

const OF_DRIVE = ['checks', 'onFailure', 'pauseBetweenMs', 'bakeMs'] as const

/** `deploy.kubernetes` of the config file. See docs/deploy-kubernetes.md. */
export const kubernetesFormat = z
  .strictObject({
    namespace: name.optional(),
    context: name.optional(),
    mode: z.enum(['drive', 'observe']),
    workloads: z.array(workload).min(1),
    checks: z.array(checkFormat).optional(),
    onFailure: z.enum(['rollback', 'pause']).optional(),
    pauseBetweenMs: ms.optional(),
    bakeMs: ms.optional(),
  })
  .superRefine(({ mode, workloads, ...rules }, context) => {
    for (const rule of OF_DRIVE)
      if (mode === 'observe' && rules[rule] !== undefined)
        context.addIssue({
          code: 'custom',
          path: [rule],
          message:
            'it is of use in the mode drive alone: nothing is taken back where somebody else rolls out',
        })
    if (workloads.every(({ kind }) => kind === 'Job'))
      context.addIssue({
        code: 'custom',
        path: ['workloads'],
        message: 'name at least one that is no Job: a Job cannot be changed',
      })
    const seen = new Set<string>()
    for (const [at, { kind, name, image }] of workloads.entries()) {
      const path = ['workloads', at]
      if (seen.has(`${kind} ${name}`))
        context.addIssue({ code: 'custom', path, message: `the ${kind} "${name}" is there twice` })
      seen.add(`${kind} ${name}`)
      if (mode === 'drive' && kind !== 'Job' && image === undefined)
        context.addIssue({ code: 'custom', path, message: 'image is needed in the mode drive' })
    }
  })
